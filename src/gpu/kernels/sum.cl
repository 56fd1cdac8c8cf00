/* Sums over positions, lane by lane. */
typedef prnn_gpu_lanes lanes;

/* Images of a lane. */
DEVICE uint run_of(const lanes *l, uint lane) {
    uint left = l->images - lane * l->lane;
    return left < l->lane ? left : l->lane;
}

/* Offset of position m of a chunk. */
DEVICE ulong chunk_at(const place *p, const lanes *l, uint lane, uint run, uint chunk, uint m) {
    return p->at + (ulong)chunk * p->line + (ulong)(lane * l->lane + m % run) * p->stride + (ulong)(m / run) * p->pitch;
}

/* gradient += the positions, one after the other, lane by lane: that of an initial state. */
KERNEL(128) sum(prnn_gpu_sum l, GLOBAL const float *memory, GLOBAL float *gradient) {
    uint feature = GROUP_X * 128 + ITEM, lane = GROUP_Y, run = run_of(&l.lanes, lane);
    if (feature < l.width) {
        GLOBAL float *to = gradient + (lane * l.lane_size + l.at + feature);
        float total = *to;
        for (uint n = 0; n < l.lanes.chunks; n++) {
            for (uint m = 0; m < l.lanes.pixels * run; m++) {
                total += LOAD(l.from, chunk_at(&l.from, &l.lanes, lane, run, n, m) + feature);
            }
        }
        *to = total;
    }
}
