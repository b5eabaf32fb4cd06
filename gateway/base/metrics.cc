#include "gateway/base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace onhook {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric MetricWith(const Metrics::Labels& labels) {
  ClientMetric metric;
  metric.label.reserve(labels.size());
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}

// With each range counting all below it too, as the format has it.
ClientMetric::Histogram HistogramOf(const Distribution::Counts& values) {
  ClientMetric::Histogram histogram;
  histogram.sample_sum = values.sum;
  histogram.bucket.reserve(values.counts.size());
  for (size_t i = 0; i < values.counts.size(); ++i) {
    histogram.sample_count += values.counts[i];
    const bool last = i == values.bounds.size();
    histogram.bucket.push_back({histogram.sample_count,
                                last ? std::numeric_limits<double>::infinity() : values.bounds[i]});
  }
  return histogram;
}

}  // namespace

struct Metrics::Report::Families {
  std::map<std::string, MetricFamily> by_name;

  ClientMetric& Add(const std::string& name, const std::string& help, MetricType type,
                    const Labels& labels) {
    MetricFamily& family = by_name[name];
    if (family.metric.empty()) {
      family.name = name;
      family.help = help;
      family.type = type;
    }
    return family.metric.emplace_back(MetricWith(labels));
  }
};

struct Metrics::Reporting::Entry {
  explicit Entry(Reporter given) : reporter(std::move(given)) {}

  const Reporter reporter;
  int calls = 0;  // under way; with Parts::mutex
};

struct Metrics::Parts {
  struct HistogramFamily {
    std::string help;
    std::map<Labels, std::unique_ptr<Distribution>> by_labels;
  };

  // Giving the same family again is answered with the first.
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};

  absl::Mutex mutex;
  std::map<std::string, HistogramFamily> histograms ABSL_GUARDED_BY(mutex);
  std::vector<std::shared_ptr<Reporting::Entry>> reporters ABSL_GUARDED_BY(mutex);
};

void Metrics::Counter::Increment() const { Add(1); }

void Metrics::Counter::Add(double amount) const {
  if (counter_ != nullptr) counter_->Increment(amount);
}

void Metrics::Gauge::Set(double value) const {
  if (gauge_ != nullptr) gauge_->Set(value);
}

void Metrics::Histogram::Observe(double value) const {
  if (values_ != nullptr) values_->Observe(value);
}

void Metrics::Report::AddCounter(const std::string& name, const std::string& help,
                                 const Labels& labels, double value) {
  families_->Add(name, help, MetricType::Counter, labels).counter.value = value;
}

void Metrics::Report::AddGauge(const std::string& name, const std::string& help,
                               const Labels& labels, double value) {
  families_->Add(name, help, MetricType::Gauge, labels).gauge.value = value;
}

void Metrics::Report::AddHistogram(const std::string& name, const std::string& help,
                                   const Labels& labels, const Distribution::Counts& values) {
  families_->Add(name, help, MetricType::Histogram, labels).histogram = HistogramOf(values);
}

Metrics::Reporting::Reporting(Metrics* metrics, std::shared_ptr<Entry> entry)
    : metrics_(metrics), entry_(std::move(entry)) {}

Metrics::Reporting::~Reporting() {
  Parts& parts = *metrics_->parts_;
  absl::MutexLock lock(&parts.mutex);
  auto& reporters = parts.reporters;
  reporters.erase(std::find(reporters.begin(), reporters.end(), entry_));
  const auto is_idle = [this] { return entry_->calls == 0; };
  parts.mutex.Await(absl::Condition(&is_idle));
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

Metrics::Histogram Metrics::AddHistogram(const std::string& name, const std::string& help,
                                         const Labels& labels, absl::Span<const double> bounds) {
  absl::MutexLock lock(&parts_->mutex);
  Parts::HistogramFamily& family = parts_->histograms[name];
  family.help = help;
  std::unique_ptr<Distribution>& values = family.by_labels[labels];
  if (values == nullptr) values = std::make_unique<Distribution>(bounds);
  return Histogram(values.get());
}

std::unique_ptr<Metrics::Reporting> Metrics::AddReporter(Reporter reporter) {
  auto entry = std::make_shared<Reporting::Entry>(std::move(reporter));
  absl::MutexLock lock(&parts_->mutex);
  parts_->reporters.push_back(entry);
  return std::unique_ptr<Reporting>(new Reporting(this, std::move(entry)));
}

std::string Metrics::Text() const {
  Report::Families families;
  for (MetricFamily& family : parts_->registry.Collect()) {
    const std::string name = family.name;
    families.by_name[name] = std::move(family);
  }
  std::vector<std::shared_ptr<Reporting::Entry>> reporters;
  Report report(&families);
  {
    absl::MutexLock lock(&parts_->mutex);
    for (const auto& [name, family] : parts_->histograms) {
      for (const auto& [labels, values] : family.by_labels) {
        report.AddHistogram(name, family.help, labels, values->Read());
      }
    }
    reporters = parts_->reporters;
    for (const auto& entry : reporters) ++entry->calls;
  }
  for (const auto& entry : reporters) {
    entry->reporter(report);
    absl::MutexLock lock(&parts_->mutex);
    --entry->calls;
  }
  std::vector<MetricFamily> collected;
  collected.reserve(families.by_name.size());
  for (auto& [name, family] : families.by_name) collected.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(collected);
}

}  // namespace onhook
