/* Stand-in for the example of the platform's package; see README.md of this folder. It computes nothing. */
#include "wmpf/crypto.h"

struct wx_crypto_module crypto_module = {
    .common = {.common = {.tag = WX_CRYPTO_MODULE_TAG, .size = sizeof(struct wx_crypto_module)}, .id = WX_CRYPTO_MODULE_ID},
};
