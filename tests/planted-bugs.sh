#!/usr/bin/env bash
# Do the tests see a bug? Plants one bug after another into a copy of the sources, rebuilds, and demands that
# the test named beside it fails (and that all of them pass without a bug). Run by hand; takes some minutes:
#
#     tests/planted-bugs.sh [PATTERN]      only the bugs whose name matches
#     tests/planted-bugs.sh --stale        builds nothing: only whether each bug still has its place in the sources
set -u
source_dir=$(cd "$(dirname "$0")/.." && pwd)
pattern=${1:-}
stale_only=
[ "$pattern" != --stale ] || { stale_only=yes && pattern=; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree build=$work/build
seen=0 missed=0

mkdir "$tree"
for part in CMakeLists.txt bench cmake include man scripts src tests; do
    cp -R "$source_dir/$part" "$tree/"
done
mkdir "$tree/fuzz"
cp -R "$source_dir/fuzz/corpus" "$tree/fuzz/" # pictures for tests

generator=()
command -v ninja >/dev/null && generator=(-G Ninja)

# Builds one test program; its output is shown if it does not compile.
make_program() {
    cmake --build "$build" -j 2 --target "pixelrnn_$1" >"$work/build.log" 2>&1 || {
        tail -30 "$work/build.log"
        return 1
    }
}

# run PROGRAM [FILTER]: 0 if the tests pass. Stops at the first failure.
run() {
    local program=$1
    shift
    (
        cd "$work" || exit 1
        CMOCKA_TEST_ABORT=1 timeout 300 "$build/tests/$program" "$@"
        exit $? # so that this shell, not the outer one, says that the program was aborted
    ) >"$work/run.log" 2>&1
}

# plant NAME FILE SED PROGRAM FILTER: FILE after the sed script; PROGRAM's tests that match FILTER must fail.
plant() {
    local name=$1 file=$tree/$2 edit=$3 program=$4 filter=$5
    [[ $name == *$pattern* ]] || return 0
    cp "$file" "$work/kept"
    sed -i "$edit" "$file"
    if cmp -s "$file" "$work/kept"; then
        echo "STALE   $name: the edit changes nothing in $2"
        missed=$((missed + 1))
        return
    fi
    if [ -n "$stale_only" ]; then
        seen=$((seen + 1))
    elif ! make_program "$program"; then
        echo "BROKEN  $name: does not compile"
        missed=$((missed + 1))
    elif run "$program" "$filter"; then
        echo "MISSED  $name: $program \"$filter\" passes"
        missed=$((missed + 1))
    else
        local test
        test=$(grep -m1 -o 'RUN      \] .*' <(tac "$work/run.log") | cut -c12-)
        echo "seen    $name: $program, ${test:-?}"
        seen=$((seen + 1))
    fi
    cp "$work/kept" "$file"
}

programs="test_resize test_data_listing test_data_names test_data_disk test_data_convert test_kernels test_kernels_values test_kernels_logistics test_laws_network test_laws_causality test_laws_passes test_laws_sampling test_laws_multiscale test_laws_evaluate test_stepper test_structs test_trainer test_optimizers test_chain test_check test_laws_model test_memory test_ensemble test_arguments test_bits test_threads test_small_sets test_teacher test_compressed test_palette test_metadata test_archive"
without_bugs() {
    echo "building without a bug"
    cmake -S "$tree" -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS=-O1 >"$work/build.log" 2>&1 ||
        { tail -30 "$work/build.log"; exit 1; }
    for program in $programs; do
        make_program "$program" || exit 1
        run "$program" || { tail -5 "$work/run.log"; echo "$program fails without a bug"; exit 1; }
    done
    echo "all tests pass without a bug"
}
[ -n "$stale_only" ] || without_bugs

# ------------------------------------------------------------------------------------------- masks

plant "mask A lets the own colour through" src/layers/product.c \
    's/prnn_conv_lets(conv, tap, group, p->group\[i\])/group <= p->group[i]/; s/p->high + (conv->mask == PRNN_MASK_B)/p->high + 1/' \
    test_laws_causality 'causality*'
plant "the tap to the right is unmasked" src/layers/conv.c \
    's|j <= cols / 2)|j <= cols / 2 + 1)|' test_laws_causality 'causality*'
plant "the gates are masked as one block" src/kernels/features.h \
    's|: column % f.stride \* f.groups / f.size;|: prnn_features_number(f, column) * f.groups / (f.blocks * f.size);|' \
    test_laws_network 'masks*'
plant "a weight behind a mask is let in" src/model/model.c \
    's/bool leak = !model->weights->unmasked\[i\] && values\[i\] != 0;/bool leak = !model->weights->unmasked[i] \&\& values[i] > 1e-6f;/' \
    test_laws_model 'planted weight*'

plant "a mixture's parameters are of other colours" src/kernels/features.h \
    's|column / f.stride \* f.groups / f.blocks|column / f.stride % f.groups|' test_laws_causality 'causality*'

# ------------------------------------------------------------------------------------------ layers

plant "the right scan is not moved down" src/layers/diagonal_bilstm.c \
    's/int first = rows.row > 0 ? rows.row - 1 : 0;/int first = rows.row;/
     s/rows.row + rows.rows - 1 - first/rows.rows/
     s/prnn_map_shifted(layer->right.cells.state, -1)/*layer->right.cells.state/' test_laws_causality 'causality*'
plant "the taps of the 2x1 kernel are exchanged" src/layers/diagonal_bilstm.c \
    's/one_tap(&state_to_state, 0, -1, 0)/one_tap(\&state_to_state, 1, -1, 0)/
     s/one_tap(&state_to_state, 1, 0, order/one_tap(\&state_to_state, 0, 0, order/' \
    test_laws_network 'computes what the equations say*'
plant "g goes through a sigmoid" src/kernels/product_template.h \
    's/g = vtanh(sum\[i\]\[3\])/g = vsigmoid(sum[i][3])/' test_laws_network 'computes what the equations say*'
plant "the input is added twice" src/model/pass.c \
    's|^\( *\)net->kind->forward(net->layers\[l\], pass, region);|&\n\1if (net->plan.config.residual) {\n\1    prnn_map_add(pass, region, net->stream[l], net->stream[l + 1], net->stream[l + 1]);\n\1}|' \
    test_laws_network 'computes what the equations say*'
plant "a colour ends with its first panel" src/layers/product.c \
    's/p.groups >> group & 1/(count == 0 ? p.groups : 0) >> group \& 1/' test_laws_passes 'by pixels*'

# ---------------------------------------------------------------------------------------- gradient

plant "the initial state has no gradient" src/layers/row_lstm.c \
    '/prnn_map_sum(pass, cells->dpart, above/d' test_laws_network 'gradient against differences*'
plant "the weight gradient lacks a tap" src/kernels/gradient_template.h \
    's/for_tiles(wide ? /if (segment->tap != 1) &/' \
    test_laws_network 'gradient against differences*'
plant "no gradient through the skips" src/model/pass.c \
    '/prnn_product_run(pass, net->dskip_of\[l - 1\]/d' test_laws_network 'gradient against differences*'
plant "the order of a sum depends on the threads" src/model/gradient.c \
    's/sums > 1 \&\& (done % 2 == 0 || lane == end - 1)/sums > 1/' \
    test_threads 'test_gradient'
plant "a thread works in the memory of another" src/base/parallel.c \
    's/(char \*)own->list + (size_t)thread \* own->size/(char *)own->list + 0 * (size_t)thread/' \
    test_threads 'test_evaluate'
plant "a batch begins with the gradient of the last" src/layers/row_lstm.c \
    '/prnn_map_clear(pass, layer->cells.dcell);/d' test_laws_passes 'mean of a batch*'

# -------------------------------------------------------------------------------------- small sets

plant "kept features are not scaled" src/kernels/dropout_template.h \
    's/load(x + first + i) \* drops->scale/load(x + first + i)/' test_laws_network 'dropout*'
plant "what goes past a layer is dropped too" src/layers/layer.c \
    's/region, io->out, NULL, false);/region, io->out, residual, false);/
     s/region, io->out, residual, io->out);/region, io->out, NULL, io->out);/' test_laws_network 'dropout*'
plant "the backward pass drops other features" src/layers/layer.c \
    's/prnn_map_dropout(pass, io->number, rows/prnn_map_dropout(pass, io->number + 1, rows/' \
    test_laws_network 'dropout*'
plant "the gradient past a layer is dropped too" src/layers/layer.c \
    's/prnn_map_copy(pass, rows, io->dout, io->din);//; s/return io->residual ? io->din : NULL;/return io->residual ? io->dout : NULL;/' \
    test_laws_network 'dropout*'
plant "a ReLU closes the gradient past a PixelCNN" src/layers/pixelcnn.c \
    's/past == io->din ? io->dout : io->din/io->din/' test_laws_network 'dropout*'
plant "what is dropped depends on the lane" src/model/pass.c \
    '/part.dropout.first +=/d' test_threads 'test_dropout_of_a_batch'
plant "biases decay" src/train/optimizer.c \
    's/.decays = update->step.decay > 0 \&\& p->rank > 1,/.decays = update->step.decay > 0,/' test_small_sets 'weights_decay*'
plant "the decay is not times the rate" src/train/optimizer.c \
    's/(float)(rate \* o->weight_decay)/(float)(0.1 * o->weight_decay)/' test_small_sets 'weights_decay*'
plant "muon takes the shorter side" src/train/muon.c 's/0.2f \* sqrtf((float)most)/0.2f * sqrtf((float)least)/' \
    test_optimizers 'optimizers*'
plant "muon does not look ahead" src/device/cpu_polar.c 's/x\[column\] = keep \* mean + g;/x[column] = mean;/' test_optimizers 'optimizers*'
plant "muon moves what is masked" src/device/cpu_polar.c \
    's/all->mean\[i\] != 0 ? m->p->factor \* m->x\[row \* m->c + column\] : 0/m->p->factor * m->x[row * m->c + column]/' \
    test_optimizers 'masked*'
plant "half of a polynomial is missing" src/device/cpu_polar.c 's/^    mirror(m, m->b);//' test_optimizers 'large*'
plant "half of a square is missing" src/device/cpu_polar.c 's/^    mirror(m, m->a);//' test_optimizers 'large*'
plant "a dense product forgets its first part" src/kernels/dense_template.h 's/s->from ? load(.*) : splat(0)/splat(0)/' test_kernels_values 'dense'
plant "muon takes the head" src/train/muon.c 's/p->rank > 1 \&\& strncmp.*;/p->rank > 1 \&\& p->name[0] != 105;/' test_optimizers 'optimizers*'
plant "what is too large to be squared is not a number" src/device/cpu_polar.c 's/s > 0 ? m->a\[i\] \* s \* s : 0/m->a[i] * s * s/' \
    test_optimizers 'steps*'
plant "soft targets are not scaled" src/device/cpu_heads.c 's/-= scale \* from\[k\]/-= from[k]/' test_laws_network 'soft*'
plant "soft targets are those of the first image" src/model/pass.c \
    's/part.soft = batch->soft ? batch->soft + first \* prnn_network_soft(net) : NULL;/part.soft = batch->soft;/' \
    test_laws_network 'soft*'
plant "a teacher is not divided by how many they are" src/train/teacher.c 's/t->weight \/ (double)models/t->weight/' \
    test_teacher 'targets*'
plant "the level that is there keeps its whole weight" src/train/teacher.c 's/= -(float)l->teacher->weight;/= 0;/' \
    test_teacher 'targets*'
plant "the weights of a teacher's models are not counted" src/train/need.c \
    's/prnn_need_block(&all->packed, count, sizeof(float));//' test_memory 'test_training'
plant "a teacher sees the first images of a batch" src/train/teacher.c 's/images + part.first \* image/images/' \
    test_teacher 'targets*'
plant "an image is the same in every epoch" src/train/trainer.c \
    's/prnn_augment(&how, epoch,/prnn_augment(\&how, 0,/' test_small_sets 'steps_are_their_formulas'
plant "what comes in at a border is from the other side" src/train/augment.c \
    's/i < 0 ? 0 :/i < 0 ? i + end :/' test_small_sets 'images_are_mirrored*'
plant "an update drops what the one before dropped" src/train/trainer.c \
    's/.step = t->state.step}/.step = 0}/' test_small_sets 'steps_are_their_formulas'
plant "a resumed run has all its patience again" src/train/checkpoint.c \
    's/ && get_newer(st, s);/;/' test_small_sets 'stopped_runs*'
plant "validation images are moved" src/train/validation.c \
    's/^#include "data\/data.h"/&\n#include "train\/augment.h"/
     s/^    TRY(prnn_model_evaluate/    prnn_augment(\&(prnn_augmentation){1, 1, 1, 4, 4, 1}, 0, t->indices, n, t->images, t->scratch_image);\n&/' \
    test_small_sets 'validation_is*'
plant "validation drops features" src/model/pass.c \
    's/^    prnn_network_walk(net, pass, batch, evaluate_rows, &e);/    pass->dropout = (prnn_dropout){.below = 20000, .scale = 1.4f};\n&/' \
    test_small_sets 'validation_is*'

# ------------------------------------------------------------------------------------- other sizes

plant "other weights are given to all sizes" src/model/weights.c \
    's/if (atomic_load(&(\*weights)->models) > 1)/if (0)/' test_resize 'test_other_weights'
plant "a resized model has the old height" src/model/model.c \
    's/    config.height = height;//' test_resize 'same bits*'
plant "a list mixes sizes of one height" src/data/listing.c \
    's/ || sorted\[i\]->width != sorted\[first\]->width//' test_data_listing 'test_lists'
plant "pictures of a group get numbers of their own" src/data/listing.c \
    's/    b->numbers = numbers;//' test_data_listing 'test_groups'

# ------------------------------------------------------------------------------------------ memory

plant "a margin is not cleared" src/model/pass.c \
    '/prnn_map_clear_margins(pass, net->values);/d' test_laws_passes 'poisoned memory*'
plant "a batch begins with the cells of the last" src/layers/row_lstm.c \
    '/prnn_map_fill(pass, cells->cell, above/d' test_laws_passes 'batches*'

# ---------------------------------------------------------------------------------------- sampling

plant "the number of an image is that in its shard" src/sample/sample.c \
    '/draws.first += first;/d' test_laws_sampling 'a function of the seed*'
plant "the number of an image is that in the stepper's shard" src/sample/stepper.c \
    '/draws.first += first;/d' test_stepper 'draws*'
plant "images do not go on with their numbers" src/sample/sample.c \
    's/d->options.seed, d->options.first,/d->options.seed, 0,/' test_laws_sampling 'goes on*'
plant "the colours of a pixel that nobody asks for stay behind" src/sample/generation.c \
    's/for (; g->groups < c->channels; g->groups++) {/for (; 0;) {/' test_stepper 'logits*'
plant "a level that is refused is kept" src/sample/stepper.c \
    's/^        if (levels\[i\] >= known) {/        s->images[i * s->values] = levels[i];\n&/' \
    test_stepper 'refused steps*'
plant "two values share a random number" src/sample/generation.c \
    's/condition_size << 32 | value;/condition_size << 32 | value \/ 2;/' \
    test_laws_sampling 'frequencies*'
plant "cold samples are hot" src/heads/bernoulli.c \
    's|logits\[draw->channel\] / draw->temperature|logits[draw->channel] * draw->temperature|' test_laws_sampling 'by inversion*'
plant "a known pixel is drawn" src/sample/sample.c \
    's|d->known\[value / channels\];|d->known[value / channels] \&\& value / channels != 3;|' \
    test_laws_sampling 'completion*'

# ------------------------------------------------------------------------------------- multi-scale

plant "a tap of the upsampler is off by one" src/layers/upsampler.c \
    's/{3, -1, 0, false}/{3, 1, 0, false}/' test_laws_network 'computes what the equations say*'
plant "the condition has no gradient" src/layers/row_lstm.c \
    '/prnn_layer_condition_backward(/d' test_laws_network 'gradient against differences*'
plant "the bias of the upsampler lacks a phase" src/layers/upsampler.c \
    's/^            prnn_map_sum(pass, s->phase/            if (i) prnn_map_sum(pass, s->phase/' \
    test_laws_network 'gradient against differences*'
plant "values of the small image count twice" src/device/cpu_heads.c \
    's/if (score->given) {/if (score->given \&\& score->scale != 0) {/' test_laws_multiscale 'a chain sums*'
plant "training predicts the small image" src/device/cpu_heads.c \
    's/if (score->given) {/if (score->given \&\& score->scale == 0) {/' test_laws_multiscale 'gradient of new*'
plant "a small pixel is drawn again" src/sample/sample.c \
    's/known\[pixel\] = prnn/known[pixel] = pixel > 0 \&\& prnn/' \
    test_laws_multiscale 'upscaling*'
plant "two scales share random numbers" src/sample/generation.c \
    's/return (uint64_t)config->condition_size << 32 | value;/return (uint64_t)(config->condition_size > 9999) | value;/' \
    test_laws_multiscale 'test_draws'

# --------------------------------------------------------------------------------------------- ranks

plant "nodes of ranks are added from left to right" src/model/lanes.c \
    's/all\[i\].size == size \&\& all\[i\].begin % (2 \* size) == 0/all[i].size == size \&\& before < 0/' test_ranks 'test_lanes'
plant "a rank adds the nodes of another one" src/model/tree.c \
    's/(size_t)(t->first\[r\] + node) \* t->slice/(size_t)t->first[r] * t->slice/' test_ranks 'test_gradient'
plant "a rank trains on the images of another one" src/train/trainer.c \
    's/t->indices + mine.first, mine.count/t->indices, mine.count/' test_ranks_train 'test_row'
plant "a rank draws images of other numbers" src/sample/sample.c \
    's/d->draws.first += mine.first;//' test_ranks 'test_sample'
plant "a rank decodes the pictures of another one" src/data/pictures.c \
    's/decode_one(j, j->own.first + index)/decode_one(j, index)/' test_ranks_convert 'test_bytes'
plant "a line of the log stays that not all ranks agreed on" src/train/metrics.c \
    's/s->metrics_bytes = before;//' test_ranks_train 'test_loss_and_resume'
plant "a rank that is lost takes updates with it" src/train/trainer.c \
    's/t->rank > 0 || t->rescued/true/' test_ranks_train 'test_nothing_is_lost_with_a_rank'
plant "ranks begin with other weights" src/train/together.c \
    's/t->parameters \* sizeof(float)));/0));/' test_ranks_train 'test_differences'

# -------------------------------------------------------------------------------------------- chains

plant "a larger scale overwrites the values of a smaller one" src/chain/evaluate.c \
    's/for (size_t k = e->chain->group.count - 1; k-- > 0;) {/for (size_t k = 0; k + 1 < e->chain->group.count; k++) {/' \
    test_chain 'test_values'
plant "parts of scales are in another order" src/chain/evaluate.c \
    's/\[i \* e->chain->group.count + k\]/[k * e->count + i]/' test_chain 'test_scales'
plant "an ensemble has the mean of nats" src/model/ensemble.c \
    's/double mixed = mixture_nats(of_value, models);/double mixed = 0; for (size_t k = 0; k < models; k++) mixed += of_value[k] \/ (double)models;/' \
    test_ensemble 'mean of models*'
plant "an ensemble's weights do not sum to 1" src/model/ensemble.c \
    's|prnn_log(sum / (double)count)|prnn_log(sum / (double)(count + 1))|' test_ensemble 'test_sum'
plant "an ensemble is not of later pieces" src/model/ensemble.c \
    's/asked->small + m->first \* m->small_bytes/asked->small/' test_ensemble 'test_pieces'
plant "one model of an ensemble may have no number" src/model/ensemble.c \
    's/sum = isfinite(nats) ? sum : nats;//' test_ensemble 'test_impossible'
plant "models of other levels are an ensemble" src/model/ensemble.c \
    's/a->levels != b->levels/false/' test_ensemble 'test_refused'
plant "what a smaller scale completed is drawn again" src/chain/complete.c \
    's/known\[pixel\] = known\[pixel\] || given;/known[pixel] = known[pixel] \&\& given;/' test_chain 'test_complete'
plant "every scale draws several images" src/chain/draw.c \
    '/samples = 1;/d' test_chain 'test_upscale'
plant "models of other levels are a chain" src/chain/chain.c \
    's/small->levels != large->levels/small->levels > 256/' test_chain 'test_mismatch'

plant "a prediction forgets the lanes" src/model/gradient.c \
    's/most_pieces(ctx, network, batch, levels) \* forward/forward/' test_memory 'a gradient*'
plant "what is cached counts as used" src/base/available.c \
    's/used > cache ? used - cache : 0/used/' test_memory 'test_available'
plant "half a field is copied" src/base/fields.c \
    's/end = fields->end\[i\];/end = size;/' test_structs 'test_given'
plant "what a newer program wants is overlooked" src/base/fields.c \
    's/at < size; at++/at < 0; at++/' test_structs 'test_newer_callers'
plant "what the small image gives is counted" src/model/evaluate.c \
    's/.new_only = o->new_only,/.new_only = false,/' test_laws_evaluate 'new values only*'
plant "a likelihood that is no number passes" src/model/evaluate.c \
    's/if (!isfinite(nats\[i\])) {/if (isinf(nats[i])) {/' test_arguments 'test_not_finite'

# ------------------------------------------------------------------------------------- certificates

plant "a leak counts as kept" src/check/check.c \
    's/} else if (!moved) {/} else if (!moved || i <= from) {/' test_check 'leaks*'
plant "the certificate forgets the masks" src/check/check.c \
    's/found->passed = found->nonzero == 0 \&\& /found->passed = /' test_check 'leaks*'

# ----------------------------------------------------------------------------------- small mistakes

plant "bits/dim is divided twice" src/model/evaluate.c \
    's|\* 0.6931471805599453);|* 0.4804530139182014);|' test_laws_model 'test_bits_per_dim'
plant "the threshold is off by one" src/data/set.c \
    's|to\[i\] \* d->levels / 256|(to[i] * d->levels + 2) / 256|' test_laws_model 'test_levels'

# ----------------------------------------------------------------------------------------- training

plant "a step forgets what a stop left undone" src/train/trainer.c \
    '/what a stop left undone/d' test_trainer 'a_stopped*'
plant "a validation leaves its weights in the model" src/train/validation.c \
    's/prnn_status back = give_back_best(t);/prnn_status back = PRNN_OK;/' test_trainer 'the_model*'
plant "the end is not validated" src/train/timetable.c \
    's/(end || step % t->valid_every == 0)/(step % t->valid_every == 0)/' test_trainer 'what_is_due'

# ---------------------------------------------------------------------------------------- pictures

plant "transparency is not seen" src/image/alpha.c \
    's/alpha == PRNN_ALPHA_DROP ? 255 : /255 | /' test_image 'test_png_alpha'
plant "PNG's tRNS is one more ancillary chunk" src/image/png.c \
    's/\&\& s->at != s->transparency//' test_image 'test_png_transparency_chunk'
plant "a mask's alpha is behind its colour" src/data/mask.c \
    's/if (is_in_alpha(&image))/if (false)/' test_image 'test_masks_of_alpha'
plant "what is wanted as stored is turned" src/image/picture.c \
    's/look->as_stored ? PRNN_OK : //' test_image 'test_as_stored'
plant "a TIFF that lost its palette is grey" src/image/tiff.c \
    's/s->lacks_tags = true;//' test_image_tiff 'test_cut_and_mutated'
plant "a TIFF's tiles may be of any size" src/image/tiff.c \
    's/if (unit_bytes > /if (false \&\& unit_bytes > /' test_image_tiff 'test_hostile'
plant "what a WebP needs to be decoded is not counted" src/image/webp.c \
    's/return 6 \* pixels + /return /' test_image_webp 'test_budget'

# ------------------------------------------------------------------------------------- information

plant "an entropy forgets the mean" src/heads/head.c \
    's/prnn_log(total) - mean, /prnn_log(total), /' test_laws_evaluate 'information:*'
plant "a variance is about 0" src/heads/head.c \
    's/(d\[k + j\] - mean) \* (d\[k + j\] - mean)/d[k + j] * d[k + j]/' test_laws_evaluate 'information:*'
plant "levels out of reach have a weight" src/heads/head.c \
    's/> least_weight/> 0/' test_laws_evaluate 'information at extremes*'
plant "something is expected of what is given" src/model/pass.c \
    's/if (!some_given || /if (!some_given || 1 || /' test_laws_evaluate 'information:*'
plant "threads share a row of logits" src/model/evaluate.c \
    's/part_of(e->rows, pass \* e->row_logits)/part_of(e->rows, 0)/' test_laws_evaluate 'information:*'
plant "a chain puts entropies in the place of variances" src/chain/evaluate.c \
    's/asked->variances = values\[2\]/asked->variances = values[1]/' test_chain 'test_expectations'
plant "a file is of a darker image" src/image/compressed.c \
    's/j->shown\[levels\[v\]\]/levels[v]/' test_compressed 'test_png'
# -------------------------------------------------------------------------- palettes and metadata

plant "converted numbers of colours stay in the order of their finding" src/data/convert.c \
    '/piece\[i\] = b->renumbered/d' test_palette 'files_are_as_memory'
plant "each picture has its own palette" src/data/pictures.c \
    's/TRY(s->own ? prnn_builder_merge(.*$//' test_palette 'folders_are_as_memory'
plant "a fingerprint knows no colours" src/data/set.c \
    '/crc = crc32_z(crc, \*d->colours/d' test_palette 'files_are_as_memory'
plant "a chain mixes palettes" src/model/group.c \
    's/if (prnn_palette_same(/if (true || prnn_palette_same(/' test_palette 'chains_have_one_palette'
plant "the best weights are not described" src/train/validation.c \
    '/prnn_provenance_set/d' test_metadata 'a_model_says_what_it_was_given'
plant "a resumed run is another training" src/train/provenance.c \
    's/goes_on \&\& last ? last :/goes_on \&\& last ? last + 1 :/' test_metadata 'a_resumed_run_is_one_training'

# --------------------------------------------------------------------------------------- data sets

plant "a set on disk forgets where it begins" src/data/array.c \
    's|s->offset + b->first \* a->height \* a->width \* a->channels|s->offset|' test_data_disk 'test_equal'
plant "the rest of a set on disk begins too early" src/data/disk.c \
    '/from.offset += first/d' test_data_disk 'test_split'
plant "files that are skipped take their numbers along" src/data/builder.c \
    's|seen = b->done - 1 + b->skipped;|seen = b->done - 1;|' test_data_names 'test_first'
plant "the rest of a set has the names of the beginning" src/data/set.c \
    's|rest->names\[i - first\] = data->names\[i\]|rest->names[i - first] = data->names[i - first]|' test_data_names 'test_split'
plant "the last image is not sampled" src/data/set.c \
    's|(n > 1 ? n - 1 : 1)|n|' test_data_disk 'test_large_fingerprint'
plant "planes are taken for pixels" src/data/array.c \
    's|to\[p \* channels + c\] = |to[c * plane + p] = |' test_data_convert 'test_planes'
plant "batch_10 before batch_2" src/data/folder.c \
    's/prnn_names_sort(files, true)/prnn_names_sort(files, false)/' test_data_convert 'test_batches'
plant "the order does not depend on the seed" src/data/shuffle.c \
    's/prnn_random_permutation(seed, /prnn_random_permutation(0, /' test_data_arrays 'test_shuffle'
plant "the rest of a shuffled set on disk begins too early" src/data/disk.c \
    's/disk->order + first, n/disk->order, n/' test_data_arrays 'test_shuffle_split'
plant "a folder is a new one after each within it" src/data/folder.c \
    's/while (depth \&\& !lies_below/if (depth \&\& !lies_below/' test_data_folder 'test_folders'
plant "a stray .npz wins" src/data/folder.c \
    's/count \&\& !pictures/count/' test_data_folder 'test_beside_pictures'
plant "the count includes what was skipped" src/data/convert.c \
    's|stream, d->count,|stream, d->count + d->skipped,|' test_data_convert 'test_convert'

# -------------------------------------------------------------------------------------- one arithmetic

plant "the compiler contracts products and sums" CMakeLists.txt \
    's/-ffp-contract=off/-O2 -ffp-contract=fast/' test_bits 'test_logistics'
plant "a product and its sum are rounded twice" src/kernels/fp32.h \
    's/return vfma(y, x, sum);/return sum + x * y;/' test_bits 'test_products'
plant "a fused multiply-add is rounded twice without the instruction" src/kernels/vectors.h \
    's/__builtin_expect(may_round_twice(low, high), 0)/0 \&\& may_round_twice(low, high)/' test_bits 'test_fused'
plant "a sum is over a vector's width" src/kernels/kernels_template.h \
    's/sum.part\[part_of(i)\] += e;/sum.part[0] += e;/' test_bits 'test_softmax'
plant "lanes are added out of order" src/device/cpu_weights.c \
    's/size < p->nodes; size \*= 2/size < p->nodes; size += 1/; s/left + size < p->nodes; left += 2 \* size/left == 0; left += 1/' \
    test_bits 'test_networks'
plant "a smaller batch has more lanes than there is room for" src/model/gradient.c \
    's/most = own.end - own.begin > most ? own.end - own.begin : most;/most = own.end - own.begin;/' test_threads 'test_smaller_batches'
plant "a loop within a loop takes its threads" src/base/parallel.c \
    's/ || pool->busy//' test_threads 'calls_within_archives'
plant "a callback may take the threads away" src/base/create.c \
    's/PRNN_ENTER_SETTING(ctx);/PRNN_ENTER(ctx, PRNN_GIVEN(ctx));/' test_threads 'calls_within_archives'
plant "a stop is not heard within a block" src/codec/block.c \
    's/? tell(a->all) :/? true :/' test_archive 'progress_in_block'
plant "a function of the C library is called" src/model/evaluate.c \
    's/prnn_log(sum)/log(sum)/' test_bits 'test_networks'
plant "rounding is the caller's" src/base/call.c \
    's/fesetenv(FE_DFL_ENV);//' test_bits 'test_environment'
plant "numbers are printed as in the caller's locale" src/base/call.c \
    's/uselocale(plain_locale())/uselocale((locale_t)0)/' test_bits 'test_locale'
plant "a level is scaled by two operations" src/model/network.c \
    's|(float)(2 \* level - last) / (float)last|(float)level * (2.0f / (float)last) - 1.0f|' test_bits 'test_networks'

# ----------------------------------------------------------------------------------------- kernels

plant "all pieces of an LSTM's features have the weights of the first" src/kernels/product_template.h \
    's/s\.weights += taken \* PRNN_PANEL;/(void)taken;/' \
    test_kernels 'deep lstm'
plant "a piece of an LSTM's features begins where its segment does" src/kernels/product_template.h \
    's/piece->first += left->done;/(void)0;/' \
    test_kernels 'deep lstm'
plant "a kernel drops the last row" src/kernels/product_template.h \
    's/size_t end = begin + block < f->rows ? begin + block : f->rows;/size_t end = begin + block < f->rows ? begin + block : f->rows - (f->rows % ONE_PANEL_ROWS == 5);/' \
    test_kernels 'product'
plant "a ReLU swallows a NaN" src/kernels/vectors.h \
    's/return vmax(splat(0), x);/return vmax(x, splat(0));/' test_kernels 'NaN in products'
plant "the pads of a softmax count" src/kernels/kernels_template.h \
    's/logits\[i\] = -3e38f;/logits[i] = 0;/' test_kernels_values 'softmax'

# ------------------------------------------------------------------------------ mixtures of logistics

plant "the highest level ends" src/kernels/kernels_template.h \
    's/upper = at < (float)(d->levels - 1);/upper = at < (float)d->levels;/' test_laws_causality 'probabilities*'
plant "a scale forgets its bound on the way back" src/kernels/kernels_template.h \
    's|.moved = moved / scale};|.moved = splat(1)};|' test_kernels_logistics 'logistics: nll'
plant "what is far away is nowhere" src/kernels/kernels_template.h \
    's/vi near = sum > 1e-28f;/vi near = sum > -1;/' \
    test_kernels_logistics 'logistics: tails'
plant "components begin in one place" src/heads/logistics.c \
    's|(float)(2 \* j + 1 - n) / (float)n|0|' test_laws_network 'distributions*'
plant "a block's levels share its number" src/heads/head.c \
    's|\*uniform = left / (double)p\[k\];||' test_laws_sampling 'by inversion*'
plant "a mixture is drawn by its logits" src/heads/logistics.c \
    's|prnn_draw_level(kernels, logs, mixture->levels|prnn_draw_level(kernels, parameters, mixture->levels|' test_laws_sampling 'by inversion*'

# ------------------------------------------------------------------------------------------ archives

plant "a level has an empty interval" src/heads/head.h \
    's/+ (uint32_t)k;/+ 0 * (uint32_t)k;/' test_intervals 'whole'
plant "the logistic function is not symmetric" src/heads/logistic_table.h \
    's/x < 0 ? one - f : f/x < 0 ? one - f - 1 : f/' test_intervals '*logistic*'
plant "a carry stops at 255" src/codec/coder.c \
    's/++e->bytes\[i - 1\] == 0/++e->bytes[i - 1] == 1/' test_coder '*'
plant "bytes behind a stream are fine" src/codec/coder.c \
    's/d->count <= d->at \&\& //' test_coder '*other_bytes*'
plant "what is above the range comes back" src/codec/coder.c \
    's/d->lost = d->lost || d->code >= d->range;//' test_coder '*other_bytes*'
plant "a block's pixels are not summed" src/codec/block.c \
    's/prnn_crc32(values, bytes_of(b)) == b->content/true/' test_archive_hostile '*claims*'
plant "bytes that are gone take the next block along" src/codec/scan.c \
    's/last->at + PRNN_CHUNK_BYTES : \*at + 1/*at + 1 : *at + 1/' test_archive_hostile '*shifts*'
plant "another model may read" src/codec/header.c \
    's/strcmp(theirs, ours) != 0/false/' test_archive '*refused*'
plant "another palette may read" src/codec/read.c \
    's/(!palette || .*$/false) {/' test_archive_palette '*refused*'
plant "an archive's callback adds to it" src/codec/writer.c \
    's/why = w->busy     ?/why = false ?/' test_archive 'test_nested'
plant "a palette is there before its text" src/model/entries.c \
    's/TRY(prnn_metadata_set(ctx, \&model->metadata, palette_key, text));/if (!model->palette) { model->palette = palette; }\n    &/' \
    test_palette 'change_together'
plant "a pixel of colours counts three times" src/codec/writer.c \
    '/bytes \/= part->how == PRNN_HOW_COLOURS/d' test_archive_palette 'test_blocks'
plant "an image of numbers is taken for greys" src/codec/parts.c \
    's/!one_number \&\& are_colours/are_colours/' test_archive_palette 'test_choice'
if [ -n "$stale_only" ]; then
    echo "$seen bugs have their place, $missed not"
else
    echo "$seen bugs seen, $missed not"
fi
[ "$missed" -eq 0 ]
