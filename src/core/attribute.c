#include "core/attribute.h"

#include "cert/certificate.h"
#include "cert/store.h"

void attribute_clear(struct attribute *attribute)
{
    secret_free(&attribute->owned);
    certificate_drop(attribute->certificate);
    store_drop(attribute->store);
    attribute->certificate = NULL;
    attribute->store = NULL;
}
