/* Sums over positions, lane by lane. */
typedef prnn_gpu_lanes lanes;

/* Images of a lane. */
DEVICE uint run_of(const lanes *l, uint lane) {
    uint left = l->images - lane * l->lane;
    return left < l->lane ? left : l->lane;
}

DEVICE uint chunks_of(const lanes *l) { return l->dense ? (l->rows + l->block - 1) / l->block : l->rows; }

/* First row of the last block: where the first chunk is. */
DEVICE uint last_block_of(const lanes *l) { return (l->rows - 1) / l->block * l->block; }

DEVICE uint rows_of_chunk(const lanes *l, uint chunk) {
    return !l->dense ? 1 : chunk == 0 ? l->rows - last_block_of(l) : l->block;
}

DEVICE uint row_of_chunk(const lanes *l, uint chunk) {
    uint last = last_block_of(l), in_last = l->rows - last;
    if (l->dense) { return last - chunk * l->block; }
    return chunk < in_last ? last + chunk
                           : last - ((chunk - in_last) / l->block + 1) * l->block + (chunk - in_last) % l->block;
}

/* gradient += the positions, one after the other, lane by lane: that of an initial state. */
KERNEL(128) sum(prnn_gpu_sum l, GLOBAL const float *memory, GLOBAL float *gradient) {
    uint feature = GROUP_X * 128 + ITEM, lane = GROUP_Y, run = run_of(&l.lanes, lane);
    if (feature < l.width) {
        GLOBAL float *to = gradient + (lane * l.lane_size + l.at + feature);
        float total = *to;
        for (uint n = 0; n < chunks_of(&l.lanes); n++) {
            ulong at = l.from.at + (ulong)row_of_chunk(&l.lanes, n) * l.from.line +
                       (ulong)(lane * l.lanes.lane) * l.from.stride + feature;
            for (uint m = 0; m < rows_of_chunk(&l.lanes, n) * l.lanes.pixels * run; m++) {
                total += LOAD(l.from, at + (ulong)(m / run) * l.from.pitch + (ulong)(m % run) * l.from.stride);
            }
        }
        *to = total;
    }
}
