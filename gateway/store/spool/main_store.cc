#include "gateway/store/spool/main_store.h"

#include <string>
#include <utility>

namespace onhook {

absl::StatusOr<Store*> MainStore::Find() const {
  Store* const store = Get();
  if (store != nullptr) return store;
  return absl::UnavailableError("the main store has not been reached yet");
}

absl::Status MainStore::last_try() const {
  absl::MutexLock lock(&mutex_);
  return last_try_;
}

absl::Status MainStore::TryToOpen() {
  if (Get() != nullptr) return absl::OkStatus();
  absl::Status tried = OpenAndTell();
  absl::MutexLock lock(&mutex_);
  return last_try_ = std::move(tried);
}

absl::Status MainStore::OpenAndTell() {
  absl::StatusOr<std::unique_ptr<Store>> opened = open_store_();
  if (!opened.ok()) return opened.status();
  std::unique_ptr<Store> store = *std::move(opened);
  Listen(*store);
  {
    absl::MutexLock lock(&mutex_);
    untold_ = all_;
  }
  while (const std::optional<Wishes> wishes = Publish(store)) {
    if (wishes->limits.has_value()) store->SetLimits(*wishes->limits);
    if (!wishes->declarations.has_value()) continue;
    if (absl::Status declared = store->Declare(*wishes->declarations); !declared.ok()) {
      return declared;
    }
  }
  TellWhatIsThere(*Get());
  return absl::OkStatus();
}

std::optional<MainStore::Wishes> MainStore::Publish(std::unique_ptr<Store>& store) {
  absl::MutexLock lock(&mutex_);
  if (untold_.declarations.has_value() || untold_.limits.has_value()) {
    return std::exchange(untold_, {});
  }
  store_ = std::move(store);
  open_.store(store_.get(), std::memory_order_release);
  return std::nullopt;
}

void MainStore::Listen(Store& store) {
  store.AddSettledListener([this](const std::string& subscription, const SequenceSet& sequences) {
    for (const auto& listener : *settled_listeners_.Get()) listener(subscription, sequences);
  });
  store.log().AddTailListener([this](Sequence last) {
    for (const auto& listener : *tail_listeners_.Get()) listener(last);
  });
  EventLog::OtherGateways others;
  others.forwarded = [this](const std::string& receiver, SequenceRange range) {
    const auto told = others_.Get();
    if (told->forwarded != nullptr) told->forwarded(receiver, range);
  };
  others.receivers = [this](const std::vector<std::string>& receivers) {
    const auto told = others_.Get();
    if (told->receivers != nullptr) told->receivers(receivers);
  };
  store.log().ListenToOthers(std::move(others));
}

void MainStore::TellWhatIsThere(Store& store) const {
  if (const auto told = others_.Get(); told->forwarded != nullptr) {
    for (const auto& [receiver, sequences] : store.log().ForwardedAtOpen()) {
      for (const auto& [first, last] : sequences.runs()) told->forwarded(receiver, {first, last});
    }
  }
  const Sequence last = store.log().last();
  if (last == 0) return;
  for (const auto& listener : *tail_listeners_.Get()) listener(last);
}

absl::Status MainStore::Declare(const std::vector<Declaration>& declarations) {
  {
    absl::MutexLock lock(&mutex_);
    all_.declarations = declarations;
    if (Get() == nullptr) {
      untold_.declarations = declarations;
      return absl::OkStatus();
    }
  }
  return Get()->Declare(declarations);
}

void MainStore::SetLimits(const StoreLimits& limits) {
  {
    absl::MutexLock lock(&mutex_);
    all_.limits = limits;
    if (Get() == nullptr) {
      untold_.limits = limits;
      return;
    }
  }
  Get()->SetLimits(limits);
}

void MainStore::AddSettledListener(Store::SettledListener listener) {
  std::vector<Store::SettledListener> listeners = *settled_listeners_.Get();
  listeners.push_back(std::move(listener));
  settled_listeners_.Set(std::move(listeners));
}

void MainStore::AddTailListener(EventLog::TailListener listener) {
  std::vector<EventLog::TailListener> listeners = *tail_listeners_.Get();
  listeners.push_back(std::move(listener));
  tail_listeners_.Set(std::move(listeners));
}

void MainStore::ListenToOthers(EventLog::OtherGateways others) { others_.Set(std::move(others)); }

absl::Status MainStore::Close() {
  Store* const store = Get();
  return store == nullptr ? absl::OkStatus() : store->Close();
}

}  // namespace onhook
