// Uses the installed library from C++: the headers must be ones for C++ too.
#include <cstdio>
#include <cstring>
#include <pixelrnn/io.h>
#include <pixelrnn/pixelrnn.h>

int main() {
    prnn_context *ctx = prnn_context_create();
    prnn_model *model = nullptr;
    bool refused = prnn_model_load(ctx, "/nonexistent.safetensors", &model) == PRNN_ERROR_FILE;
    bool named = std::strstr(prnn_message(ctx), "/nonexistent.safetensors") != nullptr;
    prnn_train_options options = PRNN_TRAIN_OPTIONS_INIT;
    prnn_sample_options sample = PRNN_SAMPLE_OPTIONS_INIT;
    prnn_data_options data = PRNN_DATA_OPTIONS_INIT;
    prnn_evaluate_options evaluate = PRNN_EVALUATE_OPTIONS_INIT;
    prnn_stepper_options stepper = PRNN_STEPPER_OPTIONS_INIT;
    prnn_certificate certificate = PRNN_CERTIFICATE_INIT;
    prnn_tensor tensor = PRNN_TENSOR_INIT;
    bool sized = options.size == sizeof options && sample.size == sizeof sample && data.size == sizeof data &&
                 evaluate.size == sizeof evaluate && stepper.size == sizeof stepper &&
                 certificate.size == sizeof certificate && tensor.size == sizeof tensor;
    bool has = PRNN_HAS(&sample, user);
    uint8_t image[4] = {0, 1, 1, 0};
    bool unwritten = prnn_write_png(ctx, "/nonexistent/x.png", image, 1, 2, 2, 1, 2, 0) == PRNN_ERROR_FILE &&
                     std::strcmp(prnn_status_name(PRNN_ERROR_FILE), "PRNN_ERROR_FILE") == 0;
    prnn_context_free(ctx);
    if (!refused || !named || !sized || !has || !unwritten) {
        std::fprintf(stderr, "refused %d, named %d, sized %d, has %d, unwritten %d\n", refused, named, sized,
                     has, unwritten);
        return 1;
    }
    return 0;
}
