/* Stand-in; see README.md of this folder. */
#pragma once

#include "wmpf/module.h"

#define WX_CRYPTO_MODULE_ID "standin.crypto"
#define WX_CRYPTO_MODULE_TAG 0x5C01

struct wx_crypto_module {
    struct wx_module common;
};
