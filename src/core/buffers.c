#include "core/buffers.h"

/* Types whose size may stand without memory: EMPTY is a place for us to write into, EXTRA and MISSING carry only a
 * count and callers hand them back as they got them (SecBuffer, Microsoft Learn). */
static bool is_count_only(uint32_t type)
{
    return type == SECBUFFER_EMPTY || type == SECBUFFER_EXTRA || type == SECBUFFER_MISSING;
}

SECURITY_STATUS buffers_open(const SecBufferDesc *descriptor, bool needs_memory, struct buffers *out)
{
    if (descriptor == NULL) {
        *out = (struct buffers){NULL, 0};
        return SEC_E_OK;
    }
    REQUIRE(descriptor->ulVersion == SECBUFFER_VERSION, SEC_E_INVALID_TOKEN,
            "SecBufferDesc: ulVersion is not SECBUFFER_VERSION");
    REQUIRE(descriptor->cBuffers <= BUFFERS_MAX, SEC_E_INVALID_TOKEN, "SecBufferDesc: more than 64 buffers");
    REQUIRE(descriptor->cBuffers == 0 || descriptor->pBuffers != NULL, SEC_E_INVALID_TOKEN,
            "SecBufferDesc: a count without buffers");
    for (size_t i = 0; needs_memory && i < descriptor->cBuffers; i++) {
        const SecBuffer *buffer = &descriptor->pBuffers[i];
        REQUIRE(buffer->pvBuffer != NULL || buffer->cbBuffer == 0 || is_count_only(buffer_type(buffer)),
                SEC_E_INVALID_TOKEN, "SecBuffer: a size without memory");
    }
    *out = (struct buffers){descriptor->pBuffers, descriptor->cBuffers};
    return SEC_E_OK;
}

SecBuffer *buffers_find(const struct buffers *buffers, uint32_t type)
{
    for (size_t i = 0; i < buffers->count; i++) {
        if (buffer_type(&buffers->at[i]) == type) {
            return &buffers->at[i];
        }
    }
    return NULL;
}
