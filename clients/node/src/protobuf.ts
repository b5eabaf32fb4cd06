// The generated messages, codecs and stubs of onhook.v1, for what the library has no words for.
export { Duration } from './generated/google/protobuf/duration.js';
export { FieldMask } from './generated/google/protobuf/field_mask.js';
export { Timestamp } from './generated/google/protobuf/timestamp.js';
export * from './generated/onhook/v1/backup_service.js';
export * from './generated/onhook/v1/rejected_callback_service.js';
export * from './generated/onhook/v1/release_event.js';
export * from './generated/onhook/v1/release_event_service.js';
export * from './generated/onhook/v1/subscription.js';
export * from './generated/onhook/v1/subscription_service.js';
