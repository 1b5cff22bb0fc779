package deflate

// The alphabets of RFC 1951 §3.2.5 and §3.2.7.
const (
	endOfBlock   = 256
	firstLength  = 257 // of the length codes
	maxLitlens   = 286 // literals, the end of the block, lengths
	maxDistances = 30
	maxCodeLens  = 19 // of the code that tells code lengths

	minMatch  = 3
	maxMatch  = 258
	maxBits   = 15 // of a literal, length or distance code
	maxStored = 65535
)

// The three types of block (RFC 1951 §3.2.3).
const (
	blockStored  = 0
	blockFixed   = 1
	blockDynamic = 2
)

// A coded is a length or distance code: what it stands for at least, and how many
// extra bits behind it are added to that.
type coded struct {
	base  uint16
	extra uint8
}

// lengthCodes are those from 257 on; the last stands for 258 alone, which the one
// before it could say as well.
var lengthCodes = func() (codes [maxLitlens - firstLength]coded) {
	base := uint16(minMatch)
	for i := range codes {
		extra := uint8(0)
		if i >= 8 {
			extra = uint8(i/4 - 1)
		}
		codes[i] = coded{base, extra}
		base += 1 << extra
	}
	codes[len(codes)-1] = coded{maxMatch, 0}
	return codes
}()

var distanceCodes = func() (codes [maxDistances]coded) {
	base := uint16(1)
	for i := range codes {
		extra := uint8(0)
		if i >= 4 {
			extra = uint8(i/2 - 1)
		}
		codes[i] = coded{base, extra}
		base += 1 << extra
	}
	return codes
}()

// codeLenOrder is the order in which the lengths of the code length code come
// (RFC 1951 §3.2.7).
var codeLenOrder = [maxCodeLens]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// fixedLens are the code lengths of the fixed code (RFC 1951 §3.2.6), which has
// words for two symbols that do not occur.
var fixedLens = func() (lens [288]uint8) {
	for i := range lens {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		default:
			lens[i] = 8
		}
	}
	return lens
}()
