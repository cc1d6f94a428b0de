#ifndef CPOSTGRES_SHIM_H
#define CPOSTGRES_SHIM_H
#include <libpq-fe.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

// libpq prints what the server remarks to standard error unless told otherwise, and a remark may
// quote what is stored.
static inline void cpostgres_say_nothing(void *context, const PGresult *result) {
    (void)context; (void)result;
}
static inline void cpostgres_silence(PGconn *connection) {
    (void)PQsetNoticeReceiver(connection, cpostgres_say_nothing, 0);
}

// The TLS session that libpq has made, for reading and writing without libpq's buffers. Bytes, or
// 0 for the end, -1 for "would block", -2 for a failure. The queue of errors is the thread's, and
// what somebody else left in it would be taken for ours.
static inline int cpostgres_tls_outcome(SSL *session, int result) {
    if (result > 0) return result;
    switch (SSL_get_error(session, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: return -2;
    }
}
static inline int cpostgres_tls_read(void *session, void *buffer, int count) {
    ERR_clear_error();
    return cpostgres_tls_outcome((SSL *)session, SSL_read((SSL *)session, buffer, count));
}
static inline int cpostgres_tls_write(void *session, const void *buffer, int count) {
    ERR_clear_error();
    return cpostgres_tls_outcome((SSL *)session, SSL_write((SSL *)session, buffer, count));
}
#endif
