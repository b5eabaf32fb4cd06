#ifndef ONHOOK_GATEWAY_BASE_METRICS_H_
#define ONHOOK_GATEWAY_BASE_METRICS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/types/span.h"
#include "gateway/base/distribution.h"

namespace prometheus {
class Counter;
class Gauge;
}  // namespace prometheus

namespace onhook {

// What the gateway counts, for Prometheus to collect.
//
// What happens is counted where it happens, by a Counter, a Gauge or a Histogram. What is there
// already (the length of a queue, the size of a file) is told by a Reporter, when somebody asks: so
// it costs nothing meanwhile, and a subscription that is deleted takes its series with it.
// admin/METRICS.md says what each metric means.
//
// Labels are bounded: names of settings, of subscriptions and words of our own, never a call, a
// number or anything else that somebody sent.
// Threads: any. Blocking: Text, as long as the reporters do; all else never for long.
class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;

  // A number that only grows. Cheap to copy; the default one counts nothing. Must not outlive its
  // Metrics.
  class Counter {
   public:
    Counter() = default;
    void Increment() const;
    void Add(double amount) const;

   private:
    friend class Metrics;
    explicit Counter(prometheus::Counter* counter) : counter_(counter) {}
    prometheus::Counter* counter_ = nullptr;
  };

  // A number that goes up and down. Otherwise the same.
  class Gauge {
   public:
    Gauge() = default;
    void Set(double value) const;

   private:
    friend class Metrics;
    explicit Gauge(prometheus::Gauge* gauge) : gauge_(gauge) {}
    prometheus::Gauge* gauge_ = nullptr;
  };

  // How many values fell into which range. Otherwise the same.
  class Histogram {
   public:
    Histogram() = default;
    void Observe(double value) const;

   private:
    friend class Metrics;
    explicit Histogram(Distribution* values) : values_(values) {}
    Distribution* values_ = nullptr;
  };

  // The text that is being made, as a reporter sees it. A family (all metrics of one name) is told
  // by reporters only or by none, and has the same help everywhere.
  class Report {
   public:
    void AddCounter(const std::string& name, const std::string& help, const Labels& labels,
                    double value);
    void AddGauge(const std::string& name, const std::string& help, const Labels& labels,
                  double value);
    void AddHistogram(const std::string& name, const std::string& help, const Labels& labels,
                      const Distribution::Counts& values);

   private:
    friend class Metrics;
    struct Families;
    explicit Report(Families* families) : families_(families) {}
    Families* const families_;
  };
  // Called by Text, on its thread, several at once.
  using Reporter = std::function<void(Report&)>;

  // For as long as it exists its reporter is asked; its destructor waits for a call under way.
  class Reporting {
   public:
    ~Reporting();
    Reporting(const Reporting&) = delete;
    Reporting& operator=(const Reporting&) = delete;

   private:
    friend class Metrics;
    struct Entry;
    Reporting(Metrics* metrics, std::shared_ptr<Entry> entry);
    Metrics* const metrics_;
    const std::shared_ptr<Entry> entry_;
  };

  Metrics();
  ~Metrics();

  // The counter of that name and labels, shown from now on, as 0 at first; the same one every time.
  // `name` ends in _total; `help`, one sentence, is the same for all counters of a name.
  Counter AddCounter(const std::string& name, const std::string& help, const Labels& labels);

  // The same of a gauge, whose name ends in what it measures and its unit.
  Gauge AddGauge(const std::string& name, const std::string& help, const Labels& labels);

  // The same of a histogram. `bounds` are as Distribution's, and outlive the metrics.
  Histogram AddHistogram(const std::string& name, const std::string& help, const Labels& labels,
                         absl::Span<const double> bounds);

  // Must end before the metrics do.
  std::unique_ptr<Reporting> AddReporter(Reporter reporter);

  // Everything in Prometheus' text format, version 0.0.4, by name.
  std::string Text() const;

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_METRICS_H_
