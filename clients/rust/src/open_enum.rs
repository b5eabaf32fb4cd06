/// Makes an enum of the proto a native one that also holds what a newer gateway may send.
macro_rules! open_enum {
    (
        $(#[$enum_meta:meta])*
        $name:ident { $($(#[$meta:meta])* $variant:ident = $number:literal $text:literal),+ $(,)? }
    ) => {
        $(#[$enum_meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$meta])* $variant,)+
            /// A value that this version of the library does not know.
            Unknown(i32),
        }

        impl $name {
            /// From the number on the wire; 0, which says nothing, is `None`.
            pub fn from_number(number: i32) -> Option<Self> {
                match number {
                    0 => None,
                    $($number => Some(Self::$variant),)+
                    other => Some(Self::Unknown(other)),
                }
            }

            /// The number on the wire.
            pub fn number(self) -> i32 {
                match self {
                    $(Self::$variant => $number,)+
                    Self::Unknown(number) => number,
                }
            }
        }

        impl std::fmt::Display for $name {
            /// The proto's name without its prefix; of an unknown value, its number.
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$variant => formatter.pad($text),)+
                    Self::Unknown(number) => std::fmt::Display::fmt(number, formatter),
                }
            }
        }
    };
}

open_enum! {
    /// Why a call ended. "Caller" is the agent's leg of the call, "called" the customer's.
    ReleaseReason {
        /// The customer hung up.
        CalledHungUp = 1 "CALLED_HUNG_UP",
        /// The agent hung up.
        CallerHungUp = 2 "CALLER_HUNG_UP",
        /// The call to the agent failed.
        CallToCallerFailed = 3 "CALL_TO_CALLER_FAILED",
        /// The call to the customer failed.
        CallToCalledFailed = 4 "CALL_TO_CALLED_FAILED",
        /// The agent did not answer.
        CallerNoAnswer = 5 "CALLER_NO_ANSWER",
        /// The customer did not answer.
        CalledNoAnswer = 6 "CALLED_NO_ANSWER",
        /// A code that the vendor does not document; see
        /// [`Event::release_reason_code`](crate::Event::release_reason_code).
        Other = 7 "OTHER",
    }
}

open_enum! {
    /// How a callback proved that it came from the vendor.
    Authentication {
        /// Its source asks for no proof.
        None = 1 "NONE",
        /// By the secret last segment of its path.
        Path = 2 "PATH",
        /// By a bearer token.
        Bearer = 3 "BEARER",
        /// By name and password.
        Basic = 4 "BASIC",
        /// By the vendor's signature.
        Signature = 5 "SIGNATURE",
        /// Its signature did not verify, or nobody can tell any more.
        Unverified = 6 "UNVERIFIED",
    }
}

open_enum! {
    /// Why an event comes again.
    RedeliveryReason {
        /// The stream that held it ended, or the gateway restarted.
        StreamLost = 1 "STREAM_LOST",
        /// It was not settled within its deadline.
        DeadlineExpired = 2 "DEADLINE_EXPIRED",
        /// A retry was asked for, or its handler failed.
        Nacked = 3 "NACKED",
        /// It was released, or its stream was drained.
        Released = 4 "RELEASED",
        /// The subscription was sent back.
        Seek = 5 "SEEK",
        /// It was taken out of the dead letters.
        Redriven = 6 "REDRIVEN",
    }
}

open_enum! {
    /// What a stored event survives.
    DurabilityClass {
        /// Lost when the gateway ends: for tests.
        Memory = 1 "MEMORY",
        /// Crashes and power cuts, not the loss of the disk.
        Disk = 2 "DISK",
        /// Power cuts, and the loss of one of several machines.
        Replicated = 3 "REPLICATED",
        /// The loss of one of several machines, not a power cut of several at a time.
        ReplicatedUnsynced = 4 "REPLICATED_UNSYNCED",
        /// Crashes, not a power cut.
        Unsynced = 5 "UNSYNCED",
    }
}

open_enum! {
    /// Where an event stands in a subscription.
    DeliveryState {
        /// Owed, with no consumer now.
        Pending = 1 "PENDING",
        /// With a consumer.
        Delivered = 2 "DELIVERED",
        /// Acknowledged.
        Acked = 3 "ACKED",
        /// Settled without processing.
        Skipped = 4 "SKIPPED",
        /// Among the dead letters.
        Parked = 5 "PARKED",
        /// Excluded by the subscription's filter.
        Filtered = 6 "FILTERED",
        /// Given up by the subscription's backlog limit.
        DroppedByLimit = 7 "DROPPED_BY_LIMIT",
        /// Was among the dead letters, and was given up there.
        Discarded = 8 "DISCARDED",
    }
}

open_enum! {
    /// One kind of thing that happens to an event in a subscription.
    TimelineKind {
        /// Written to a consumer's stream.
        Delivered = 1 "DELIVERED",
        /// Acknowledged.
        Acked = 2 "ACKED",
        /// Given back.
        Nacked = 3 "NACKED",
        /// Not settled within its deadline.
        DeadlineExpired = 4 "DEADLINE_EXPIRED",
        /// The stream that held it was lost.
        StreamLost = 5 "STREAM_LOST",
        /// Put among the dead letters.
        Parked = 6 "PARKED",
        /// Taken out of the dead letters.
        Redriven = 7 "REDRIVEN",
        /// Settled without processing.
        Skipped = 8 "SKIPPED",
        /// A dead letter given up.
        Discarded = 9 "DISCARDED",
    }
}
