/* Sums over positions, lane by lane. */

/* Offset of position m of a chunk. */
DEVICE ulong chunk_at(const place *p, const prnn_gpu_chunk *c, uint m) {
    uint n = c->first + m;
    return p->at + (ulong)c->row * p->line + (ulong)c->image * p->stride + (ulong)(n / c->run) * p->pitch +
           (ulong)(n % c->run) * p->stride;
}

/* gradient += the positions of chunks, one after the other, lane by lane: that of an initial state. */
KERNEL(128) sum(prnn_gpu_sum l, GLOBAL const uint *first_chunk, GLOBAL const prnn_gpu_chunk *chunks,
                GLOBAL const float *memory, GLOBAL float *gradient) {
    uint feature = GROUP_X * 128 + ITEM, lane = GROUP_Y;
    if (feature < l.width) {
        GLOBAL float *to = gradient + (lane * l.lane_size + l.at + feature);
        float total = *to;
        for (uint n = first_chunk[lane]; n < first_chunk[lane + 1]; n++) {
            prnn_gpu_chunk c = chunks[n];
            for (uint m = 0; m < c.count; m++) { total += LOAD(l.from, chunk_at(&l.from, &c, m) + feature); }
        }
        *to = total;
    }
}
