#include "gateway/admin/readiness.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {

void Readiness::Require(std::string name, Check check) {
  absl::MutexLock lock(&mutex_);
  conditions_.push_back({std::move(name), std::move(check)});
}

std::vector<std::string> Readiness::Unmet() const {
  std::vector<Condition> conditions;
  {
    absl::MutexLock lock(&mutex_);
    conditions = conditions_;
  }
  std::vector<std::string> unmet;
  for (const Condition& condition : conditions) {
    const absl::Status state = condition.check();
    if (!state.ok()) unmet.push_back(absl::StrCat(condition.name, ": ", state.message()));
  }
  return unmet;
}

}  // namespace onhook
