#include "gateway/admin/admin_answers.h"

#include "absl/strings/str_cat.h"

namespace onhook {

HttpResponse TextAnswer(int status, absl::string_view text) {
  HttpResponse response;
  response.status = status;
  response.body = absl::StrCat(text, "\n");
  return response;
}

HttpResponse FreshAnswer(int status, absl::string_view text) {
  HttpResponse response = TextAnswer(status, text);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

HttpResponse RefusalAnswer(const absl::Status& status) {
  if (!absl::IsUnauthenticated(status)) return TextAnswer(403, status.message());
  HttpResponse response = TextAnswer(401, status.message());
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace onhook
