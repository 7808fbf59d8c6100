#include "cluster/x509.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>

#include "platform/sha256.hpp"

namespace troupe::cluster {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* x) const {
    Free(x);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using Store = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
using StoreContext =
    std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX_free>>;

/// What OpenSSL says of the failure that just happened; empties its queue.
Error failed(Errc code, std::string what) {
  if (const auto number = ERR_peek_last_error()) {
    std::array<char, 200> text{};
    ERR_error_string_n(number, text.data(), text.size());
    what += std::string(": ") + text.data();
  }
  ERR_clear_error();
  return {code, std::move(what)};
}

Bio reader(std::string_view pem) {
  return Bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
}

Result<Certificate> parse_certificate(std::string_view pem) {
  Bio in = reader(pem);
  Certificate x{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
  if (!x) return failed(Errc::corrupt, "the certificate is not valid PEM");
  return x;
}

Result<Key> parse_key(std::string_view pem) {
  Bio in = reader(pem);
  // An empty passphrase: never ask on the terminal.
  Key key{PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr,
                                  const_cast<char*>(""))};
  if (!key) return failed(Errc::corrupt, "the key is not valid PEM");
  return key;
}

std::string drain(BIO* out) {
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(out, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

Result<KeyPair> to_pem(X509* certificate, EVP_PKEY* key) {
  Bio first{BIO_new(BIO_s_mem())};
  Bio second{BIO_new(BIO_s_mem())};
  if (PEM_write_bio_X509(first.get(), certificate) != 1 ||
      PEM_write_bio_PrivateKey(second.get(), key, nullptr, nullptr, 0, nullptr,
                               nullptr) != 1)
    return failed(Errc::internal, "cannot write PEM");
  return KeyPair{drain(first.get()), drain(second.get())};
}

bool add_extension(X509* x, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, x, x, nullptr, nullptr, 0);
  Extension extension{X509V3_EXT_conf_nid(nullptr, &context, nid, value)};
  return extension && X509_add_ext(x, extension.get(), -1) == 1;
}

bool set_serial(X509* x) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] &= 0x7f;  // Positive.
  std::unique_ptr<BIGNUM, Deleter<BN_free>> number{
      BN_bin2bn(bytes.data(), bytes.size(), nullptr)};
  return number &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x)) != nullptr;
}

/// Everything but issuer, extensions and signature.
Result<Certificate> draft(std::string_view name, EVP_PKEY* key,
                          Validity validity) {
  Certificate x{X509_new()};
  const auto from = static_cast<std::time_t>(validity.from_ms / 1000);
  const auto until = static_cast<std::time_t>(validity.until_ms / 1000);
  auto* subject = X509_get_subject_name(x.get());
  const bool done =
      X509_set_version(x.get(), X509_VERSION_3) == 1 && set_serial(x.get()) &&
      ASN1_TIME_set(X509_getm_notBefore(x.get()), from) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(x.get()), until) != nullptr &&
      X509_NAME_add_entry_by_txt(
          subject, "O", MBSTRING_UTF8,
          reinterpret_cast<const unsigned char*>("Troupe"), -1, -1, 0) == 1 &&
      X509_NAME_add_entry_by_txt(
          subject, "CN", MBSTRING_UTF8,
          reinterpret_cast<const unsigned char*>(name.data()),
          static_cast<int>(name.size()), -1, 0) == 1 &&
      X509_set_pubkey(x.get(), key) == 1;
  if (!done)
    return failed(Errc::invalid_argument,
                  "cannot make a certificate for \"" + std::string(name) +
                      "\" (a name has 1 to 64 characters)");
  return x;
}

Status check_period(X509* x, UnixMs now) {
  auto at = static_cast<std::time_t>(now / 1000);
  if (X509_cmp_time(X509_get0_notBefore(x), &at) > 0)
    return Error{Errc::denied, "the certificate is not valid yet; " +
                                   std::string(kCheckTheClock)};
  if (X509_cmp_time(X509_get0_notAfter(x), &at) < 0)
    return Error{Errc::denied, "the certificate has expired"};
  return ok();
}

Status check_signature(X509* x, X509* authority, UnixMs now) {
  Store store{X509_STORE_new()};
  StoreContext context{X509_STORE_CTX_new()};
  if (X509_STORE_add_cert(store.get(), authority) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), x, nullptr) != 1)
    return failed(Errc::internal, "cannot verify the certificate");
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()),
                             static_cast<std::time_t>(now / 1000));
  if (X509_verify_cert(context.get()) == 1) return ok();
  const int code = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  return Error{Errc::denied,
               std::string("the certificate is not signed by the authority: ") +
                   X509_verify_cert_error_string(code)};
}

Status check_key(X509* x, std::string_view key_pem) {
  auto key = parse_key(key_pem);
  if (!key) return key.error();
  if (X509_check_private_key(x, key->get()) != 1) {
    ERR_clear_error();
    return Error{Errc::corrupt, "the key does not belong to the certificate"};
  }
  return ok();
}

}  // namespace

Result<KeyPair> make_authority(std::string_view name, Validity validity) {
  Key key{EVP_EC_gen("P-256")};
  if (!key) return failed(Errc::internal, "cannot make a key");
  auto x = draft(name, key.get(), validity);
  if (!x) return x.error();
  X509_set_issuer_name(x->get(), X509_get_subject_name(x->get()));
  if (!add_extension(x->get(), NID_basic_constraints,
                     "critical,CA:TRUE,pathlen:0") ||
      !add_extension(x->get(), NID_key_usage, "critical,keyCertSign") ||
      !add_extension(x->get(), NID_subject_key_identifier, "hash") ||
      X509_sign(x->get(), key.get(), EVP_sha256()) == 0)
    return failed(Errc::internal, "cannot sign the authority's certificate");
  return to_pem(x->get(), key.get());
}

Result<KeyPair> issue(const KeyPair& authority, std::string_view name,
                      Purpose purpose, Validity validity) {
  auto signer = parse_certificate(authority.certificate);
  if (!signer) return signer.error();
  auto signer_key = parse_key(authority.key);
  if (!signer_key) return signer_key.error();
  Key key{EVP_EC_gen("P-256")};
  if (!key) return failed(Errc::internal, "cannot make a key");
  auto x = draft(name, key.get(), validity);
  if (!x) return x.error();
  X509_set_issuer_name(x->get(), X509_get_subject_name(signer->get()));
  const char* usage =
      purpose == Purpose::node ? "serverAuth,clientAuth" : "clientAuth";
  if (!add_extension(x->get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(x->get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(x->get(), NID_ext_key_usage, usage) ||
      X509_sign(x->get(), signer_key->get(), EVP_sha256()) == 0)
    return failed(Errc::internal, "cannot sign the certificate");
  return to_pem(x->get(), key.get());
}

Result<std::string> fingerprint(std::string_view certificate) {
  auto x = parse_certificate(certificate);
  if (!x) return x.error();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(x->get(), EVP_sha256(), digest.data(), &size) != 1)
    return failed(Errc::internal, "cannot hash the certificate");
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15];
  }
  return text;
}

Status check(const KeyPair& pair, std::string_view authority, Purpose purpose,
             UnixMs now) {
  auto x = parse_certificate(pair.certificate);
  if (!x) return x.error();
  auto signer = parse_certificate(authority);
  if (!signer) return signer.error();
  if (auto good = check_key(x->get(), pair.key); !good) return good;
  if (auto good = check_period(x->get(), now); !good) return good;
  if (auto good = check_signature(x->get(), signer->get(), now); !good)
    return good;
  const bool serves =
      X509_check_purpose(x->get(), X509_PURPOSE_SSL_SERVER, 0) == 1;
  const bool calls =
      X509_check_purpose(x->get(), X509_PURPOSE_SSL_CLIENT, 0) == 1;
  if (!calls || (purpose == Purpose::node && !serves))
    return Error{Errc::denied, purpose == Purpose::node
                                   ? "the certificate may not serve as a node's"
                                   : "the certificate may not call a node"};
  return ok();
}

Status check_authority(const KeyPair& authority, UnixMs now) {
  auto x = parse_certificate(authority.certificate);
  if (!x) return x.error();
  if (X509_check_ca(x->get()) == 0)
    return Error{Errc::denied, "the certificate is not an authority's"};
  if (!authority.key.empty()) {
    if (auto good = check_key(x->get(), authority.key); !good) return good;
  }
  return check_period(x->get(), now);
}

}  // namespace troupe::cluster
