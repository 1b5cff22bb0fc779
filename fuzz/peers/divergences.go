package peers

// A Divergence is a known way in which a library parts from RFC 6455: a row of
// the table. Target Peers takes it as known; a test replays the vectors and fails
// where a row no longer holds for the version that it names.
type Divergence struct {
	Library string // the adapter's name
	Version string // in which it was last seen
	Kind    Kind
	Rule    string // of package model, or the name of what is refused or sent
	Reason  string
	// Private is set where a remote peer can crash or exhaust a process by it. Such
	// a row names the rule only: no vector and no input goes with it, and it is
	// exempt from the check that it still holds (SECURITY.md).
	Private bool
}

// Divergences is the table.
var Divergences = []Divergence{
	{
		Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "length-not-minimal",
		Reason: "lengths are not checked for the shortest form",
	},
	{
		Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "close-payload-invalid",
		Reason: "a Close with a payload of one byte counts as an empty one",
	},
	{
		Library: "gobwas", Version: "v1.5.0", Kind: Accepts, Rule: "length-not-minimal",
		Reason: "lengths are not checked for the shortest form",
	},
	{
		Library: "gobwas", Version: "v1.5.0", Kind: Accepts, Rule: "close-status-invalid",
		Reason: "codes from 5000 on are taken; below 1000 they are refused",
	},
	{
		Library: "gobwas", Version: "v1.5.0", Kind: Sends, Rule: "a-Close-with-the-wrong-masking-for-its-role",
		Reason: "a client refuses an invalid Close with a frame whose payload is masked but whose mask bit is not set: " +
			"wsutil drops the header that its masking returns",
	},
	{
		Library: "gobwas", Version: "v1.5.0", Kind: Accepts, Rule: "truncated-ping",
		Reason: "where the transport ends inside a ping between fragments, what came of its payload is answered",
	},
	{
		Library: "gobwas", Version: "v1.5.0", Kind: Accepts, Rule: "truncated-message",
		Reason: "where the transport ends inside a Close between fragments, what came of the message is delivered as a whole one",
	},
	{
		Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "length-not-minimal",
		Reason: "lengths are not checked for the shortest form",
	},
	{
		Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "close-reason-not-utf8",
		Reason: "the reason of a Close is not looked at",
	},
	{
		Library: "coder", Version: "v1.8.15", Kind: Sends, Rule: "a-Close-whose-reason-is-not-UTF-8",
		Reason: "the reason that was not looked at is echoed",
	},
	{
		Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "server-frame-masked",
		Reason: "a client takes masked frames, and delivers their payload still masked",
	},
	{
		Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "truncated-message",
		Reason: "where the transport ends between two reads of a message, what came of it is delivered as a whole message",
	},
	{
		Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "input-after-failure",
		Reason: "after a read failed because the peer broke a rule, the next one goes on with what follows",
	},
	{
		Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "length-not-minimal",
		Reason: "lengths are not checked for the shortest form",
	},
	{
		Library: "gws", Version: "v1.9.1", Kind: Crashes, Rule: "length-top-bit", Private: true,
		Reason: "a panic in the read loop",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Differs, Rule: "empty-message",
		Reason: "a message without payload is not delivered",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "length-not-minimal",
		Reason: "lengths are not checked for the shortest form",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "client-frame-unmasked",
		Reason: "a server takes frames that are not masked",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "server-frame-masked",
		Reason: "a client takes masked frames",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "close-status-reserved",
		Reason: "a Close with 1015 is taken",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Sends, Rule: "a-Close-with-the-code-1015",
		Reason: "and echoed",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Differs, Rule: "control-frame-too-large",
		Reason: "refused with 1009, as if it were a message over the limit",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Refuses, Rule: "control-frame-over-the-limit",
		Reason: "a control frame between fragments counts towards the limit of the message",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Sends, Rule: "frames-after-its-close",
		Reason: "messages behind the Close in the same read are delivered",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Differs, Rule: "close-payload-invalid",
		Reason: "a Close with a payload of one byte is told as one with 1002, and answered so",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "continuation-unexpected",
		Reason: "a continuation of nothing without payload is ignored",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "input-after-failure",
		Reason: "after it has closed the connection, what it had read is still delivered",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Differs, Rule: "length-top-bit", Private: true,
		Reason: "details are for its maintainers first",
	},
	{
		Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "rsv-bits-unsupported",
		Reason: "the RSV bits are not looked at",
	},
	{
		Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "opcode-unknown",
		Reason: "frames of unknown opcodes are given to the caller",
	},
	{
		Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "length-not-minimal",
		Reason: "lengths are not checked for the shortest form",
	},
	{
		Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "control-frame-fragmented",
		Reason: "the FIN bit of control frames is not looked at",
	},
	{
		Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "control-frame-too-large",
		Reason: "of a ping of over 125 bytes the first 125 are answered",
	},
	{
		Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "truncated-message",
		Reason: "where the transport ends inside a frame, what came of it is delivered as a whole one",
	},
	{
		Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "truncated-ping",
		Reason: "where the transport ends inside a ping, what came of it is answered",
	},

	// With permessage-deflate.
	{
		Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "compressed-continuation",
		Reason: "RSV1 is looked at on the first frame of a message alone",
	},
	{
		Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "compressed-control-frame",
		Reason: "and not on control frames",
	},
	{
		Library: "gorilla", Version: "v1.5.3", Kind: Refuses, Rule: "compressed-message",
		Reason: "the limit counts compressed octets: a message of as many as it allows is refused if it takes more",
	},
	{
		Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "inflated-too-large",
		Reason: "and what they inflate to is not bounded",
	},
	{
		Library: "gorilla", Version: "v1.5.3", Kind: Differs, Rule: "deflate-final-goes-on",
		Reason: "a message ends with its first final block, and what stands behind that is dropped unread",
	},
	{
		Library: "coder", Version: "v1.8.15", Kind: Crashes, Rule: "compressed-message", Private: true,
		Reason: "details are for its maintainers first",
	},
	{
		Library: "coder", Version: "v1.8.15", Kind: Differs, Rule: "deflate-final-goes-on",
		Reason: "a message ends with its first final block",
	},
	{
		Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "deflate-message-cut",
		Reason: "a message that is cut within a block is delivered as far as it goes",
	},
	{
		Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "inflated-too-large",
		Reason: "one octet more than the limit is delivered where the stream ends there",
	},
	{
		Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "compressed-continuation",
		Reason: "RSV1 is looked at on the first frame of a message alone",
	},
	{
		Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "compressed-control-frame",
		Reason: "and not on control frames",
	},
	{
		Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "rsv-bits-unsupported",
		Reason: "with permessage-deflate, RSV2 and RSV3 are not looked at",
	},
	{
		Library: "gws", Version: "v1.9.1", Kind: Differs, Rule: "deflate-final-goes-on",
		Reason: "a message ends with its first final block",
	},
	{
		Library: "gws", Version: "v1.9.1", Kind: Sends, Rule: "deflate-context-control",
		Reason: "with context takeover, the payload of a control frame that it sends goes into the window of its compressor: " +
			"the next compressed message does not inflate, or to another one",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "compressed-continuation",
		Reason: "RSV1 is looked at on the first frame of a message alone",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "compressed-control-frame",
		Reason: "and not on control frames",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Differs, Rule: "deflate-final-goes-on",
		Reason: "a message ends with its first final block",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Crashes, Rule: "deflate-message-cut", Private: true,
		Reason: "details are for its maintainers first",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "inflated-too-large",
		Reason: "one octet more than the limit is delivered",
	},
	{
		Library: "nbio", Version: "v1.6.8", Kind: Refuses, Rule: "compressed-message",
		Reason: "a message of as many octets as the limit allows is refused if its payload is about as long",
	},
}
