/**
 * For tests of programs that receive events: a gateway in the same process ({@link
 * dev.onhook.client.testing.FakeGateway}), and deliveries that are made by hand ({@link
 * dev.onhook.client.testing.TestDelivery}), for which no gateway is needed at all.
 */
package dev.onhook.client.testing;
