#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H
// The plain functions of SHA-256 hash a short message in a tenth of the time that EVP takes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <string.h>

typedef struct { SHA256_CTX context; } copenssl_sha256_state;

// The state after one block: a key of at most 64 bytes, padded with zeros, over `pad` (RFC 2104).
static inline copenssl_sha256_state copenssl_sha256_padded(
    const unsigned char *key, size_t count, unsigned char pad) {
    copenssl_sha256_state state;
    unsigned char block[SHA256_CBLOCK];
    memset(block, pad, sizeof block);
    for (size_t i = 0; i < count && i < sizeof block; i++) block[i] ^= key[i];
    SHA256_Init(&state.context);
    SHA256_Update(&state.context, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
    return state;
}

static inline void copenssl_sha256(const void *bytes, size_t count, unsigned char *digest) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes, count);
    SHA256_Final(digest, &context);
}

static inline void copenssl_hmac_sha256(
    copenssl_sha256_state inner, copenssl_sha256_state outer, const unsigned char *message,
    size_t count, unsigned char *tag) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_Update(&inner.context, message, count);
    SHA256_Final(digest, &inner.context);
    SHA256_Update(&outer.context, digest, sizeof digest);
    SHA256_Final(tag, &outer.context);
}
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// A variadic function in OpenSSL: Swift does not see it.
static inline EVP_PKEY *copenssl_generate_ed25519(void) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}
static inline EVP_PKEY *copenssl_generate_p256(void) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

// Without a callback OpenSSL asks the terminal for the passphrase of an encrypted PEM.
static inline int copenssl_no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer; (void)size; (void)writing; (void)context;
    return -1;
}
static inline EVP_PKEY *copenssl_read_private_key(BIO *bio) {
    return PEM_read_bio_PrivateKey(bio, NULL, copenssl_no_passphrase, NULL);
}
static inline int copenssl_write_private_key(BIO *bio, const EVP_PKEY *key) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
}

static inline int copenssl_number_size(const BIGNUM *number) { return BN_num_bytes(number); }

// OSSL_PARAM arrays are built from macros and casts that Swift cannot write.
static inline EVP_PKEY *copenssl_public_key(const char *type, OSSL_PARAM *params) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1) {
        (void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    }
    EVP_PKEY_CTX_free(context);
    return key;
}
// `point` is uncompressed: 04, x, y.
static inline EVP_PKEY *copenssl_ec_public(
    const char *group, const unsigned char *point, size_t count) {
    OSSL_PARAM params[3];
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, count);
    params[2] = OSSL_PARAM_construct_end();
    return copenssl_public_key("EC", params);
}
static inline EVP_PKEY *copenssl_rsa_public(
    const unsigned char *n, int n_count, const unsigned char *e, int e_count) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(n, n_count, NULL);
    BIGNUM *exponent = BN_bin2bn(e, e_count, NULL);
    if (build != NULL && modulus != NULL && exponent != NULL
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1) {
        params = OSSL_PARAM_BLD_to_param(build);
    }
    if (params != NULL) key = copenssl_public_key("RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

// Settings of a TLS context that are macros in OpenSSL. Each answers 1 when it holds.
static inline int copenssl_harden(SSL_CTX *context) {
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
        | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE
        | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1
        && SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
}
static inline void copenssl_keep_sessions(SSL_CTX *context, int server, long count) {
    if (count == 0) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        (void)SSL_CTX_set_num_tickets(context, 0);
    } else if (server) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
        SSL_CTX_sess_set_cache_size(context, count);
        (void)SSL_CTX_set_num_tickets(context, 1);
    } else {
        // Those of a client are kept by its name, which OpenSSL does not do.
        SSL_CTX_set_session_cache_mode(
            context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
    }
}
static inline int copenssl_add_chain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}
static inline int copenssl_set_server_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}

// RFC 7301: a client that names protocols and not ours is refused.
static inline int copenssl_select_http(
    SSL *session, const unsigned char **chosen, unsigned char *length,
    const unsigned char *offered, unsigned int count, void *unused) {
    static const unsigned char http[] = "\x08http/1.1";
    (void)session; (void)unused;
    if (SSL_select_next_proto((unsigned char **)chosen, length, http, sizeof http - 1, offered,
            count) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return SSL_TLSEXT_ERR_OK;
}
static inline void copenssl_serve_http(SSL_CTX *context) {
    SSL_CTX_set_alpn_select_cb(context, copenssl_select_http, NULL);
}

static inline X509 *copenssl_read_certificate(BIO *bio) {
    return PEM_read_bio_X509(bio, NULL, copenssl_no_passphrase, NULL);
}
// The end of a file, as opposed to something that is no certificate.
static inline int copenssl_is_at_end_of_pem(void) {
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// RFC 2253, with controls and bytes beyond ASCII escaped, so that the text is safe in a line.
static inline void copenssl_print_subject(BIO *bio, const X509 *certificate) {
    (void)X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
}

// Stacks are made of macros. `kind` is one of the GEN_ numbers; nil for kinds that hold no string.
static inline GENERAL_NAMES *copenssl_names(const X509 *certificate) {
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
static inline int copenssl_name_count(const GENERAL_NAMES *names) {
    return names == NULL ? 0 : sk_GENERAL_NAME_num(names);
}
static inline const ASN1_STRING *copenssl_name(const GENERAL_NAMES *names, int index, int *kind) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    *kind = name->type;
    switch (name->type) {
    case GEN_DNS: case GEN_EMAIL: case GEN_URI: return name->d.ia5;
    case GEN_IPADD: return name->d.iPAddress;
    default: return NULL;
    }
}

// What was verified, from the certificate itself up to the authority that is trusted.
static inline int copenssl_verified_count(const SSL *session) {
    STACK_OF(X509) *chain = SSL_get0_verified_chain(session);
    return chain == NULL ? 0 : sk_X509_num(chain);
}
static inline const X509 *copenssl_verified(const SSL *session, int index) {
    return sk_X509_value(SSL_get0_verified_chain(session), index);
}

// Seconds since 1970; -1 for what is no time.
static inline int64_t copenssl_seconds(const ASN1_TIME *time) {
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : -1;
}

// In hexadecimal as OpenSSL writes it; the caller frees it.
static inline char *copenssl_serial(const X509 *certificate) {
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *text = number == NULL ? NULL : BN_bn2hex(number);
    BN_free(number);
    return text;
}
static inline void copenssl_free_text(char *text) {
    OPENSSL_free(text);
}
#endif
