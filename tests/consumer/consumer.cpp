// Uses the installed library from C++: the header must be one for C++ too.
#include <cstdio>
#include <cstring>
#include <pixelrnn/pixelrnn.h>

int main() {
    prnn_context *ctx = prnn_context_create();
    prnn_model *model = nullptr;
    bool refused = prnn_model_load(ctx, "/nonexistent.safetensors", &model) == PRNN_ERROR_FILE;
    bool named = std::strstr(prnn_message(ctx), "/nonexistent.safetensors") != nullptr;
    prnn_train_options options = PRNN_TRAIN_OPTIONS_INIT;
    prnn_sample_options sample = PRNN_SAMPLE_OPTIONS_INIT;
    prnn_data_options data = PRNN_DATA_OPTIONS_INIT;
    bool sized = options.size == sizeof options && sample.size == sizeof sample && data.size == sizeof data;
    prnn_context_free(ctx);
    if (!refused || !named || !sized) {
        std::fprintf(stderr, "refused %d, named %d, sized %d\n", refused, named, sized);
        return 1;
    }
    return 0;
}
