#include "gateway/tls/client_files.h"

#include <openssl/err.h>

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/base/regular_file.h"
#include "gateway/tls/openssl_objects.h"
#include "gateway/tls/pem.h"

namespace onhook {
namespace {

// The system's own bundle of authorities has some 200 KiB.
constexpr size_t kMostBytes = 1 << 20;

absl::StatusOr<std::string> Read(const std::string& file) {
  std::string pem;
  absl::Status read = ReadRegularFile(file, kMostBytes, pem);
  if (!read.ok()) return read;
  return pem;
}

absl::StatusOr<OwnedCertificateStack> ReadStack(const std::string& file) {
  const absl::StatusOr<std::string> pem = Read(file);
  if (!pem.ok()) return pem.status();
  return ReadCertificates(*pem);
}

absl::StatusOr<OwnedKey> ReadKeyIn(const std::string& file) {
  const absl::StatusOr<std::string> pem = Read(file);
  if (!pem.ok()) return pem.status();
  return ReadKey(*pem);
}

// Of a bundle it is usual that some have expired.
absl::Status CheckAnyIsValid(const std::string& file, absl::Time now) {
  const absl::StatusOr<OwnedCertificateStack> stack = ReadStack(file);
  if (!stack.ok()) return stack.status();
  absl::Status fault;
  for (int i = 0; i < sk_X509_num(stack->get()); ++i) {
    fault = CheckValidity(sk_X509_value(stack->get(), i), now);
    if (fault.ok()) return fault;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("holds no certificate that is valid now: one ", fault.message()));
}

}  // namespace

std::vector<absl::Status> FindTlsClientFaults(const TlsClientFiles& files, absl::Time now) {
  std::vector<absl::Status> faults;
  const auto note = [&faults](absl::string_view member, const std::string& file,
                              const absl::Status& fault) {
    if (fault.ok()) return;
    faults.push_back(
        absl::InvalidArgumentError(absl::StrCat(member, ": ", file, " ", fault.message())));
  };
  if (!files.ca_file.empty()) note("ca_file", files.ca_file, CheckAnyIsValid(files.ca_file, now));
  if (files.certificate_file.empty()) return faults;
  const absl::StatusOr<OwnedCertificateStack> chain = ReadStack(files.certificate_file);
  note("certificate_file", files.certificate_file, chain.status());
  const absl::StatusOr<OwnedKey> key = ReadKeyIn(files.key_file);
  note("key_file", files.key_file, key.status());
  if (!chain.ok()) return faults;
  X509* const own = sk_X509_value(chain->get(), 0);
  if (const absl::Status valid = CheckValidity(own, now); !valid.ok()) {
    note("certificate_file", files.certificate_file,
         absl::InvalidArgumentError(absl::StrCat("holds a certificate that ", valid.message())));
  }
  if (key.ok() && X509_check_private_key(own, key->get()) != 1) {
    ERR_clear_error();
    note("key_file", files.key_file,
         absl::InvalidArgumentError(absl::StrCat(
             "holds another key than that of the certificate in ", files.certificate_file)));
  }
  return faults;
}

}  // namespace onhook
