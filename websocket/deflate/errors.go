package deflate

import "errors"

// The two kinds of failure of a [Decompressor]. Every error that it returns is
// one of the rules below, and unwraps to one of these.
var (
	// ErrCorrupt: the payload is no DEFLATE stream as RFC 7692 §7.2.2 wants it. RFC
	// 7692 names no status code; 1007 suits (RFC 6455 §7.4.1).
	ErrCorrupt = errors.New("corrupt DEFLATE data")
	// ErrTooLarge: the message is larger than the caller allows (1009).
	ErrTooLarge = errors.New("message too large")
)

// The rules that a payload can break: one error a rule.
var (
	// ErrBlockType: block type 3 is reserved (RFC 1951 §3.2.3).
	ErrBlockType = rule(ErrCorrupt, "block of the reserved type 3 (RFC 1951 §3.2.3)")
	// ErrStoredLength: NLEN is the one's complement of LEN (RFC 1951 §3.2.4).
	ErrStoredLength = rule(ErrCorrupt, "stored block whose NLEN is not the complement of its LEN (RFC 1951 §3.2.4)")
	// ErrCodeCount: there are at most 286 literal/length codes and 30 distance codes (RFC 1951 §3.2.7).
	ErrCodeCount = rule(ErrCorrupt, "more than 286 literal/length codes or 30 distance codes (RFC 1951 §3.2.7)")
	// ErrCodeLengths: the lengths of a code fill the space of its words exactly, but for
	// a code of one word of one bit, or of none (RFC 1951 §3.2.2, §3.2.7).
	ErrCodeLengths = rule(ErrCorrupt, "over- or undersubscribed Huffman code (RFC 1951 §3.2.2)")
	// ErrNoEndOfBlock: a block needs a code for the end of the block (RFC 1951 §3.2.5).
	ErrNoEndOfBlock = rule(ErrCorrupt, "no code for the end of the block (RFC 1951 §3.2.5)")
	// ErrRepeat: the first code length cannot repeat the one before it, and no
	// repetition goes past the last (RFC 1951 §3.2.7).
	ErrRepeat = rule(ErrCorrupt, "repetition of no code length, or past the last (RFC 1951 §3.2.7)")
	// ErrSymbol: length codes 286 and 287, distance codes 30 and 31 and the word that
	// a code of one word leaves over do not occur (RFC 1951 §3.2.6, §3.2.7).
	ErrSymbol = rule(ErrCorrupt, "symbol that does not occur in DEFLATE data (RFC 1951 §3.2.6)")
	// ErrDistance: a distance goes past the first octet there is (RFC 1951 §2).
	ErrDistance = rule(ErrCorrupt, "distance past the beginning of the data (RFC 1951 §2)")
	// ErrWindow: a distance goes past the LZ77 sliding window that was negotiated (RFC 7692 §7.1.2).
	ErrWindow = rule(ErrCorrupt, "distance past the negotiated LZ77 window (RFC 7692 §7.1.2)")
	// ErrCut: with 00 00 ff ff behind it, the payload does not end where a block ends
	// (RFC 7692 §7.2.2).
	ErrCut = rule(ErrCorrupt, "payload that ends inside a block (RFC 7692 §7.2.2)")
	// ErrUsed: an earlier message failed, so that the context is lost.
	ErrUsed = rule(ErrCorrupt, "decompressor used after a failure")

	// ErrMessageTooLarge: the message inflates to more octets than the limit.
	ErrMessageTooLarge = rule(ErrTooLarge, "message inflates to more than the limit")
	// ErrPayloadTooLarge: the compressed payload is longer than any compressor makes
	// of a message within the limit: blocks of nothing would go on for ever.
	ErrPayloadTooLarge = rule(ErrTooLarge, "compressed payload longer than the limit allows")
)

// A ruleError is a broken rule of one of the two kinds.
type ruleError struct {
	kind error
	text string
}

func rule(kind error, text string) error { return &ruleError{kind, text} }

func (e *ruleError) Error() string { return "deflate: " + e.text }

func (e *ruleError) Unwrap() error { return e.kind }
