#include "gateway/base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace onhook {

struct Metrics::Parts {
  // Giving the same family again is answered with the first.
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
};

void Metrics::Counter::Increment() const { Add(1); }

void Metrics::Counter::Add(double amount) const {
  if (counter_ != nullptr) counter_->Increment(amount);
}

Metrics::Metrics() : parts_(std::make_unique<Parts>()) {}
Metrics::~Metrics() = default;

Metrics::Counter Metrics::AddCounter(const std::string& name, const std::string& help,
                                     const Labels& labels) {
  auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(parts_->registry);
  return Counter(&family.Add(labels));
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(parts_->registry.Collect());
}

}  // namespace onhook
