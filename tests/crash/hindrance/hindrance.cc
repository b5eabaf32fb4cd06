#include "tests/crash/hindrance/hindrance.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

HindrancePlan* MapNewPlan(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof(HindrancePlan)) != 0) std::abort();
  void* const mapped =
      mmap(nullptr, sizeof(HindrancePlan), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) std::abort();
  close(file);
  return static_cast<HindrancePlan*>(mapped);
}

}  // namespace

Hindrance::Hindrance(const std::string& directory)
    : plan_file_(folder_.path() + "/plan"), plan_(MapNewPlan(plan_file_)) {
  if (directory.size() >= sizeof plan_->directory) std::abort();
  std::memcpy(plan_->directory, directory.data(), directory.size());
}

Hindrance::~Hindrance() { munmap(plan_, sizeof(HindrancePlan)); }

std::string Hindrance::Missing() {
  if (std::strlen(ONHOOK_HINDRANCE_LIBRARY) > 0) return "";
  return "a build without sanitizers: nothing can be loaded before those";
}

void Hindrance::ApplyToCallsOf(OnhookdProcess::Options& options) const {
  RunWith(kHindrancePlanVariable, options);
}

void Hindrance::ApplyToClockOf(OnhookdProcess::Options& options) const {
  RunWith(kHindranceClockVariable, options);
}

void Hindrance::RunWith(const char* variable, OnhookdProcess::Options& options) const {
  options.runner.insert(options.runner.end(),
                        {"/usr/bin/env", absl::StrCat("LD_PRELOAD=", ONHOOK_HINDRANCE_LIBRARY),
                         absl::StrCat(variable, "=", plan_file_)});
}

void Hindrance::Fail(const Failure& failure) {
  HindrancePlan::Rule& rule = plan_->rules[failure.call];
  rule.first = 0;
  rule.error = failure.error;
  rule.manner = failure.manner;
  rule.last = failure.many == kForGood ? kForGood : failure.first + failure.many - 1;
  rule.first = failure.first;
}

void Hindrance::FailNext(Failure failure) {
  failure.first = count(failure.call) + 1;
  Fail(failure);
}

void Hindrance::Heal() {
  for (HindrancePlan::Rule& rule : plan_->rules) rule.first = 0;
}

void Hindrance::Reset() {
  Heal();
  for (auto& count : plan_->counts) count = 0;
  plan_->failures = 0;
  plan_->first_failed_at_ns = 0;
  plan_->last_failed_at_ns = 0;
  plan_->last_failed[0] = '\0';
  plan_->file_failed[0] = '\0';
}

}  // namespace onhook
