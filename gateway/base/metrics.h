#ifndef ONHOOK_GATEWAY_BASE_METRICS_H_
#define ONHOOK_GATEWAY_BASE_METRICS_H_

#include <map>
#include <memory>
#include <string>

namespace prometheus {
class Counter;
class Gauge;
}  // namespace prometheus

namespace onhook {

// What the gateway counts, for Prometheus to collect.
//
// Labels are bounded: names of settings and words of our own, never a call, a number or anything
// else that somebody sent.
// Threads: any. Blocking: never for long.
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

  Metrics();
  ~Metrics();

  // The counter of that name and labels, shown from now on, as 0 at first; the same one every time.
  // `name` ends in _total; `help`, one sentence, is the same for all counters of a name.
  Counter AddCounter(const std::string& name, const std::string& help, const Labels& labels);

  // The same of a gauge, whose name ends in what it measures and its unit.
  Gauge AddGauge(const std::string& name, const std::string& help, const Labels& labels);

  // Everything in Prometheus' text format, version 0.0.4.
  std::string Text() const;

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_BASE_METRICS_H_
