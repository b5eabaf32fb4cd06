#include "gateway/base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
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

void Metrics::Gauge::Set(double value) const {
  if (gauge_ != nullptr) gauge_->Set(value);
}

Metrics::Metrics() : parts_(std::make_unique<Parts>()) {}
Metrics::~Metrics() = default;

Metrics::Counter Metrics::AddCounter(const std::string& name, const std::string& help,
                                     const Labels& labels) {
  auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(parts_->registry);
  return Counter(&family.Add(labels));
}

Metrics::Gauge Metrics::AddGauge(const std::string& name, const std::string& help,
                                 const Labels& labels) {
  auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(parts_->registry);
  return Gauge(&family.Add(labels));
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(parts_->registry.Collect());
}

}  // namespace onhook
