package dev.onhook.client;

import java.time.Duration;
import java.util.List;
import onhook.v1.AckRequest;
import onhook.v1.ExtendRequest;
import onhook.v1.FlowControl;
import onhook.v1.NackRequest;
import onhook.v1.SubscribeRequest;

/** The messages that a subscriber sends. */
final class Requests {
  private Requests() {}

  static SubscribeRequest.Builder pause(boolean paused) {
    return SubscribeRequest.newBuilder().setFlow(FlowControl.newBuilder().setPaused(paused));
  }

  static SubscribeRequest.Builder ack(long id, List<Settlement> settlements) {
    AckRequest.Builder ack = AckRequest.newBuilder().setRequestId(id);
    for (Settlement settlement : settlements) {
      ack.addDeliveryIds(settlement.deliveryId);
    }
    return SubscribeRequest.newBuilder().setAck(ack);
  }

  /** All of which say the same. */
  static SubscribeRequest.Builder nack(long id, List<Settlement> settlements) {
    Settlement words = settlements.get(0);
    NackRequest.Builder nack =
        NackRequest.newBuilder()
            .setRequestId(id)
            .setAction(words.action.nack())
            .setReason(words.reason);
    if (words.time != null) {
      nack.setDelay(Times.message(words.time));
    }
    for (Settlement settlement : settlements) {
      nack.addDeliveryIds(settlement.deliveryId);
    }
    return SubscribeRequest.newBuilder().setNack(nack);
  }

  static SubscribeRequest.Builder extend(long id, Duration deadline, List<Attempt> attempts) {
    ExtendRequest.Builder extend =
        ExtendRequest.newBuilder().setRequestId(id).setAckDeadline(Times.message(deadline));
    for (Attempt attempt : attempts) {
      extend.addDeliveryIds(attempt.deliveryId);
    }
    return SubscribeRequest.newBuilder().setExtend(extend);
  }
}
