package model

import (
	"slices"
	"strings"
)

// A Rule is the stable name of a rule of RFC 6455 or RFC 7692, such as "client-frame-unmasked".
type Rule string

// The rules whose breach fails a connection, in the order in which they are checked.
const (
	ClientFrameUnmasked    Rule = "client-frame-unmasked"
	ServerFrameMasked      Rule = "server-frame-masked"
	RSVBitsUnsupported     Rule = "rsv-bits-unsupported"
	OpcodeUnknown          Rule = "opcode-unknown"
	ControlFrameTooLarge   Rule = "control-frame-too-large"
	ControlFrameFragmented Rule = "control-frame-fragmented"
	LengthNotMinimal       Rule = "length-not-minimal"
	LengthTopBit           Rule = "length-top-bit"
	FrameTooLarge          Rule = "frame-too-large"
	ContinuationUnexpected Rule = "continuation-unexpected"
	ContinuationExpected   Rule = "continuation-expected"
	MessageTooLarge        Rule = "message-too-large"
	ClosePayloadInvalid    Rule = "close-payload-invalid"
	CloseStatusInvalid     Rule = "close-status-invalid"
	CloseStatusReserved    Rule = "close-status-reserved"
	CloseReasonNotUTF8     Rule = "close-reason-not-utf8"
	TextNotUTF8            Rule = "text-not-utf8"
)

// The rules of compressed messages (RFC 7692) whose breach fails a connection
// for which permessage-deflate was negotiated. Those of one frame's header are
// checked beside RSVBitsUnsupported and MessageTooLarge, whose places they take;
// the others as the octets come.
const (
	CompressedControl      Rule = "compressed-control-frame"
	CompressedContinuation Rule = "compressed-continuation"
	CompressedTooLarge     Rule = "compressed-too-large" // the compressed octets of a message
	InflatedTooLarge       Rule = "inflated-too-large"   // what they give
	BlockInvalid           Rule = "deflate-block-invalid"
	WindowExceeded         Rule = "deflate-window-exceeded"
	DistanceTooFar         Rule = "deflate-distance-too-far"
	MessageCut             Rule = "deflate-message-cut"
)

// The rules that say what a reader does with frames that are valid. They can be
// turned off as well ([ReadWithout]), but no Outcome names them.
const (
	PingAnswered        Rule = "ping-answered"         // the pong is owed
	CloseEnds           Rule = "close-ends"            // nothing behind the peer's Close counts
	PayloadUnmasked     Rule = "payload-unmasked"      // the masking key is applied
	FragmentsJoined     Rule = "fragments-joined"      // a message is all of its fragments
	ControlBetween      Rule = "control-between"       // a control frame inside a message leaves it as it is
	TextNotUTF8FailFast Rule = "text-not-utf8-at-once" // text is validated as it arrives, not when it is complete

	ContextKept     Rule = "deflate-context-kept"    // the window goes on from one compressed message to the next
	ContextFresh    Rule = "deflate-context-fresh"   // but not without context takeover
	ContextPlain    Rule = "deflate-context-plain"   // a message that is not compressed leaves it alone
	ContextControl  Rule = "deflate-context-control" // and so does a control frame
	FinalGoesOn     Rule = "deflate-final-goes-on"   // a final block ends neither the message nor the window
	FinalMayEnd     Rule = "deflate-final-may-end"   // a message may end with one, without the octet 00
	DeflateFailFast Rule = "deflate-at-once"         // a stream is judged as it arrives, not when the message is complete
)

// Place returns where the rule stands: "RFC 6455 §5.1".
func (i RuleInfo) Place() string { return Place(i.Section) }

// Place spells out a section, such as "5.1" of RFC 6455 or "7692 7.2.1".
func Place(section string) string {
	if rfc, of, ok := strings.Cut(section, " "); ok {
		return "RFC " + rfc + " §" + of
	}
	return "RFC 6455 §" + section
}

// A RuleInfo tells where a rule stands.
type RuleInfo struct {
	Rule     Rule
	Section  string   // of RFC 6455; of RFC 7692 where that number stands before it, as in "7692 7.2.1"
	Sentence string   // of the RFC, or the part of it that matters; of RFC 7692 the reading of it
	Codes    []uint16 // the close codes that fit a breach, the usual one first; none where nothing is refused
}

var rules = []RuleInfo{
	{ClientFrameUnmasked, "5.1", "The server MUST close the connection upon receiving a frame that is not masked.", []uint16{1002}},
	{ServerFrameMasked, "5.1", "A client MUST close a connection if it detects a masked frame.", []uint16{1002}},
	{RSVBitsUnsupported, "5.2", "If a nonzero value is received and none of the negotiated extensions defines the meaning of such a nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_.", []uint16{1002}},
	{OpcodeUnknown, "5.2", "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_.", []uint16{1002}},
	{ControlFrameTooLarge, "5.5", "All control frames MUST have a payload length of 125 bytes or less", []uint16{1002}},
	{ControlFrameFragmented, "5.5", "and MUST NOT be fragmented.", []uint16{1002}},
	{LengthNotMinimal, "5.2", "Note that in all cases, the minimal number of bytes MUST be used to encode the length", []uint16{1002}},
	{LengthTopBit, "5.2", "the following 8 bytes interpreted as a 64-bit unsigned integer (the most significant bit MUST be 0) are the payload length.", []uint16{1009, 1002}},
	{FrameTooLarge, "10.4", "Implementations that have implementation- and/or platform-specific limitations regarding the frame size or total message size after reassembly from multiple frames MUST protect themselves against exceeding those limits.", []uint16{1009}},
	{ContinuationUnexpected, "5.4", "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0, followed by zero or more frames with the FIN bit clear and the opcode set to 0", []uint16{1002}},
	{ContinuationExpected, "5.4", "The fragments of one message MUST NOT be interleaved between the fragments of another message unless an extension has been negotiated that can interpret the interleaving.", []uint16{1002}},
	{MessageTooLarge, "10.4", "Implementations that have implementation- and/or platform-specific limitations regarding the frame size or total message size after reassembly from multiple frames MUST protect themselves against exceeding those limits.", []uint16{1009}},
	{ClosePayloadInvalid, "5.5.1", "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer (in network byte order) representing a status code", []uint16{1002}},
	{CloseStatusInvalid, "5.5.1", "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer (in network byte order) representing a status code with value /code/ defined in Section 7.4.", []uint16{1002}},
	{CloseStatusReserved, "7.4.1", "is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint.", []uint16{1002}},
	{CloseReasonNotUTF8, "5.5.1", "the body MAY contain UTF-8-encoded data with value /reason/", []uint16{1007, 1002}},
	{TextNotUTF8, "8.1", "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.", []uint16{1007}},

	{PingAnswered, "5.5.2", "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already received a Close frame.", nil},
	{CloseEnds, "5.5.1", "The application MUST NOT send any more data frames after sending a Close frame.", nil},
	{PayloadUnmasked, "5.3", "Octet i of the transformed data (\"transformed-octet-i\") is the XOR of octet i of the original data (\"original-octet-i\") with octet at index i modulo 4 of the masking key", nil},
	{FragmentsJoined, "5.4", "As a consequence of these rules, all fragments of a message are of the same type, as set by the first fragment's opcode.", nil},
	{ControlBetween, "5.4", "Control frames (see Section 5.5) MAY be injected in the middle of a fragmented message.", nil},
	{TextNotUTF8FailFast, "8.1", "This rule applies both during the opening handshake and during subsequent data exchange.", nil},
}

// Rules returns every rule of RFC 6455: first those whose breach fails a
// connection, in the order in which they are checked.
func Rules() []RuleInfo { return slices.Clone(rules) }

var deflateRules = []RuleInfo{
	{CompressedControl, "7692 6", "An endpoint MUST NOT set the \"Per-Message Compressed\" bit of control frames and non-first fragments of a data message.", []uint16{1002}},
	{CompressedContinuation, "7692 6", "An endpoint receiving such a frame MUST _Fail the WebSocket Connection_.", []uint16{1002}},
	{CompressedTooLarge, "10.4", "Implementations that have implementation- and/or platform-specific limitations regarding the frame size or total message size after reassembly from multiple frames MUST protect themselves against exceeding those limits.", []uint16{1009}},
	{InflatedTooLarge, "10.4", "Implementations that have implementation- and/or platform-specific limitations regarding the frame size or total message size after reassembly from multiple frames MUST protect themselves against exceeding those limits.", []uint16{1009}},
	{BlockInvalid, "7692 7.2.2", "Decompress the resulting data using DEFLATE.", []uint16{1007, 1002}},
	{WindowExceeded, "7692 7.1.2", "the base-2 logarithm of the LZ77 sliding window size", []uint16{1007, 1002}},
	{DistanceTooFar, "7692 7.2.2", "Decompress the resulting data using DEFLATE.", []uint16{1007, 1002}},
	{MessageCut, "7692 7.2.2", "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message.", []uint16{1007, 1002}},

	{ContextKept, "7692 7.2.3.2", "the sender can use the LZ77 sliding window of the message before", nil},
	{ContextFresh, "7692 7.2.1", "start compressing each new message with an empty LZ77 sliding window", nil},
	{ContextPlain, "7692 6.2", "a message whose \"Per-Message Compressed\" bit is unset is taken as it is", nil},
	{ContextControl, "7692 6", "PMCEs operate only on data messages.", nil},
	{FinalGoesOn, "7692 7.2.1", "The next DEFLATE block follows the padded data if any.", nil},
	{FinalMayEnd, "7692 7.2.1", "An endpoint MAY use both DEFLATE blocks with the \"BFINAL\" bit set to 0 and DEFLATE blocks with the \"BFINAL\" bit set to 1.", nil},
	{DeflateFailFast, "8.1", "This rule applies both during the opening handshake and during subsequent data exchange.", nil},
}

// DeflateRules returns the rules that hold beside [Rules] where permessage-deflate
// was negotiated (RFC 7692).
func DeflateRules() []RuleInfo { return slices.Clone(deflateRules) }

// infos are all of them by name: fuzzing asks for one with each input that breaks a rule.
var infos = func() map[Rule]RuleInfo {
	m := make(map[Rule]RuleInfo, len(rules)+len(deflateRules))
	for _, info := range slices.Concat(rules, deflateRules) {
		m[info.Rule] = info
	}
	return m
}()

// Info returns what is known of the rule; ok is false if there is no such rule.
func (r Rule) Info() (info RuleInfo, ok bool) {
	info, ok = infos[r]
	return info, ok
}

// same reports whether got, the rule that an adapter names, may stand for want.
// A reader need not tell the top bit of a length from a length past its limit,
// nor invalid text from an invalid reason; nor RSV1 where it may not be from any
// other bit, nor a message that is too large from one that inflates to that, nor
// one breach of DEFLATE from another.
func same(want, got Rule) bool {
	switch want {
	case got:
		return true
	case LengthTopBit:
		return got == FrameTooLarge
	case CloseReasonNotUTF8:
		return got == TextNotUTF8
	case CompressedControl, CompressedContinuation:
		return got == RSVBitsUnsupported
	case CompressedTooLarge, InflatedTooLarge:
		return got == MessageTooLarge
	case BlockInvalid, WindowExceeded, DistanceTooFar, MessageCut:
		return got == BlockInvalid || got == WindowExceeded || got == DistanceTooFar || got == MessageCut
	}
	return false
}
