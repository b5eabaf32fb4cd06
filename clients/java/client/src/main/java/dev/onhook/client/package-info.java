/**
 * Receives release events, the hang-ups of calls, from an Onhook gateway. Begin with {@link
 * dev.onhook.client.OnhookClient}.
 */
package dev.onhook.client;
