package dev.onhook.client;

import io.grpc.ManagedChannelBuilder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * What a client was told by its builder. Paths are null where nothing was said.
 *
 * @param server the gateway's address
 * @param tls whether TLS was asked for by itself
 * @param caFile those who may have signed the gateway's certificate
 * @param certificateFile this client's certificate
 * @param keyFile and its key
 * @param serverName the name that the gateway's certificate must be for; empty: the address's
 * @param tokenFile holds a bearer token
 * @param allowCleartextToken whether the token may go without TLS beyond this machine
 * @param lookupTimeout after which a look-up fails
 * @param initialBackoff the first wait before a stream is opened again
 * @param maximumBackoff the longest
 * @param rotationPatience how long UNAUTHENTICATED is repeated by who was let in before
 * @param channelConfigurator what else is to be set on each channel
 */
record ClientOptions(
    String server,
    boolean tls,
    Path caFile,
    Path certificateFile,
    Path keyFile,
    String serverName,
    Path tokenFile,
    boolean allowCleartextToken,
    Duration lookupTimeout,
    Duration initialBackoff,
    Duration maximumBackoff,
    Duration rotationPatience,
    Consumer<? super ManagedChannelBuilder<?>> channelConfigurator) {

  boolean wantsTls() {
    return tls
        || caFile != null
        || certificateFile != null
        || keyFile != null
        || !serverName.isEmpty();
  }

  boolean showsIdentity() {
    return certificateFile != null || tokenFile != null;
  }

  /** What this client shows of itself, for people who look for the mistake. */
  String shown() {
    if (certificateFile != null && tokenFile != null) {
      return "the certificate " + certificateFile + " and the token " + tokenFile;
    }
    if (certificateFile != null) {
      return "the certificate " + certificateFile;
    }
    return tokenFile == null ? "nothing" : "the token " + tokenFile;
  }
}
