package deflate

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket/deflate"
)

// tail is what RFC 7692 §7.2.1 takes off the end of a payload.
const tail = "\x00\x00\xff\xff"

// Inflate checks a Decompressor on any payload. The input, a byte each: window
// bits, takeover and what the rest is (inflateShape); the limit; how long the message
// before is; how payloads are cut; which bit of the payload is turned, if any, in two;
// then the payload, or what compress/flate makes it of.
//
// Oracles. The model says the same, octets and rule, and fails no sooner. So does
// compress/flate, run over the payload and what the sender took off it, from final
// block to final block, but for windows, which it does not know: the end is at a
// block's boundary where two different final blocks behind it are read as such.
// However the payload is cut, octets and error are the same; a limit of as many octets
// as there are changes nothing, one octet less fails, and nothing beyond it is stored.
func Inflate(data []byte) error {
	var head [6]byte
	rest := data[copy(head[:], data):]
	rest = rest[:min(len(rest), 4096)]
	bits := 8 + int(head[0]&7)
	takeover := head[0]&8 != 0
	payload := bytes.Clone(rest)
	if level := int(head[0] >> 4); level < 12 && level > 0 {
		payload = pack(rest, level-2)
	}
	if at := int(binary.LittleEndian.Uint16(head[4:])); at > 0 && at <= 8*len(payload) {
		payload[(at-1)/8] ^= 1 << ((at - 1) % 8)
	}
	history := text[:int(head[2])*int(head[2])]
	if !takeover {
		history = nil
	}

	upTo := len(payload) // of what is inflated
	run := func(limit int, cut func(n int) int) (got []byte, at int, err error) {
		d := deflate.NewDecompressor(bits, takeover)
		if takeover {
			if got, err = d.Append(got, store(history), true, len(history)); err != nil || !bytes.Equal(got, history) {
				return nil, 0, fmt.Errorf("%d octets of stored history: %d octets, %w", len(history), len(got), err)
			}
		}
		got = []byte("before")
		at = 0
		for i := 0; ; i++ {
			n := min(upTo-at, cut(i))
			fin := at+n == len(payload)
			got, err = d.Append(got, payload[at:at+n], fin, limit)
			if at += n; err != nil || at == upTo {
				break
			}
		}
		if string(got[:6]) != "before" {
			return nil, 0, fmt.Errorf("what stands before the message has become %q", got[:6])
		}
		return got[6:], at, err
	}

	const most = 1 << 18
	got, _, err := run(most, func(int) int { return len(payload) })
	want := model.Inflate(history, payload, 1<<bits)
	tooLarge := errors.Is(err, deflate.ErrTooLarge)
	switch {
	case err != nil && !tooLarge && !errors.Is(err, deflate.ErrCorrupt):
		return fmt.Errorf("payload %x: an error of no kind: %w", clip(payload), err)
	case tooLarge && len(want.Output) <= most && len(payload) <= model.CompressedLimit(most), !tooLarge && !slices.Contains(errorsOf(want.Rule), err):
		return fmt.Errorf("payload %x: %v; the model says %q", clip(payload), err, want.Rule)
	case tooLarge && !bytes.HasPrefix(want.Output, got), !tooLarge && !bytes.Equal(want.Output, got):
		return fmt.Errorf("payload %x (%v) inflates to %d octets, in the model to %d", clip(payload), err, len(got), len(want.Output))
	}
	// compress/flate knows neither windows nor what the tail completes.
	switch out, whole := standard(payload, history, most); {
	case tooLarge:
	case err == nil && (!whole || !bytes.Equal(got, out)), err != nil && whole && want.Rule != model.WindowExceeded && want.Rule != model.BlockInvalid:
		return fmt.Errorf("payload %x (%v) inflates to %d octets; compress/flate makes %d, whole %t", clip(payload), err, len(got), len(out), whole)
	}

	// Cut into single octets, and otherwise.
	step := int(head[3])
	failed := -1
	for _, cut := range []func(int) int{
		func(int) int { return 1 },
		func(i int) int { return (step + i*7) % 23 },
		func(at int) int { return 1 + step*step },
	} {
		again, at, err2 := run(most, cut)
		if err2 != err || !bytes.Equal(again, got) {
			return fmt.Errorf("payload %x in one piece: %d octets, %w; in several: %d octets, %w", clip(payload), len(got), err, len(again), err2)
		}
		if failed < 0 {
			failed = at
			if err != nil && !tooLarge && failed > want.Octet {
				return fmt.Errorf("payload %x fails (%w) at octet %d, in the model at %d", clip(payload), err, failed, want.Octet)
			}
		} else if at < failed {
			return fmt.Errorf("payload %x fails at octet %d, but octet by octet only at %d", clip(payload), at, failed)
		}
		if step == 0 || len(payload) > 4096 {
			break
		}
	}

	if err := misused(payload, bits, most); err != nil {
		return err
	}

	// Limits.
	for _, limit := range []int{len(got), len(got) - 1, int(head[1]) * int(head[1]) / 8} {
		if limit < 0 || limit > len(got) {
			continue
		}
		less, _, err2 := run(limit, func(int) int { return len(payload) })
		if len(less) > limit || cap(less) > limit+limit/4+1024 {
			return fmt.Errorf("payload %x at limit %d: %d octets, room for %d", clip(payload), limit, len(less), cap(less))
		}
		if !bytes.HasPrefix(got, less) || limit < len(got) && err2 != deflate.ErrMessageTooLarge && err2 != deflate.ErrPayloadTooLarge {
			return fmt.Errorf("payload %x of %d octets at limit %d: %d octets, %w", clip(payload), len(got), limit, len(less), err2)
		}
		if limit == len(got) && err2 != err && !errors.Is(err2, deflate.ErrTooLarge) {
			return fmt.Errorf("payload %x of %d octets at limit %d: %w, want %w", clip(payload), len(got), limit, err2, err)
		}
		if err2 == nil && len(payload) > model.CompressedLimit(limit) {
			return fmt.Errorf("payload %x of %d octets was taken at limit %d", clip(payload), len(payload), limit)
		}
		if most := model.CompressedLimit(limit); len(payload) > most && !errors.Is(err2, deflate.ErrTooLarge) {
			upTo = most
			if _, _, err3 := run(limit, func(int) int { return most }); err3 == nil {
				return fmt.Errorf("payload %x of %d octets at limit %d: %w, of which the first %d are right", clip(payload), len(payload), limit, err2, most)
			}
			upTo = len(payload)
		}
		if limit == len(got) && err == nil && err2 != nil && len(payload) <= limit+64 {
			return fmt.Errorf("payload %x of %d octets at that limit: %w", clip(payload), len(got), err2)
		}
	}
	return nil
}

// misused checks that a Decompressor that is not given back what a message has inflated to so
// far panics.
func misused(payload []byte, bits, limit int) (err error) {
	d := deflate.NewDecompressor(bits, false)
	got, err := d.Append(nil, payload[:len(payload)/2], false, limit)
	if err != nil || len(got) == 0 {
		return nil
	}
	defer func() {
		if recover() == nil {
			err = fmt.Errorf("payload %x: what the first half inflates to, %d octets, was not given back, and nobody says so", clip(payload), len(got))
		}
	}()
	_, _ = d.Append(got[1:min(len(got), 1<<bits)], payload[len(payload)/2:], true, limit)
	return nil
}

// errorsOf returns the errors that stand for a rule of the model.
func errorsOf(rule model.Rule) []error {
	invalid := []error{
		deflate.ErrBlockType, deflate.ErrStoredLength, deflate.ErrCodeCount, deflate.ErrCodeLengths, deflate.ErrNoEndOfBlock, deflate.ErrRepeat, deflate.ErrSymbol,
	}
	switch rule {
	case model.BlockInvalid:
		return invalid
	case model.WindowExceeded:
		return []error{deflate.ErrWindow}
	case model.DistanceTooFar:
		return []error{deflate.ErrDistance}
	case model.MessageCut: // or what the tail makes of it
		return append(invalid, deflate.ErrCut, deflate.ErrWindow, deflate.ErrDistance)
	}
	return []error{nil}
}

// standard inflates a payload by compress/flate, one final block after the other. It
// reports whether the payload ends at the boundary of a block.
func standard(payload, history []byte, most int) (out []byte, whole bool) {
	whole = true
	var first []byte
	for i, end := range []string{"\x01\x00\x00\xff\xff", "\x03\x00"} {
		out = nil
		in := bytes.NewReader(append(append(bytes.Clone(payload), tail...), end...))
		for {
			seen := append(bytes.Clone(history), out...)
			r := flate.NewReaderDict(in, seen[max(0, len(seen)-1<<15):])
			part, err := io.ReadAll(io.LimitReader(r, int64(most)))
			out = append(out, part...)
			if err != nil {
				whole = false
				break
			}
			if len(out) >= most {
				break
			}
			if in.Len() == 0 || in.Len() == len(tail)+len(end) { // the tail untouched: behind a final block
				break
			}
			if in.Len() < len(end) {
				whole = false
				break
			}
		}
		if i == 0 {
			first = out
		}
	}
	if !bytes.Equal(first, out) {
		whole = false
	}
	return out, whole
}

// pack compresses text by compress/flate, from level -2 on.
func pack(text []byte, level int) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		panic(err) // of a level that there is
	}
	_, _ = w.Write(text) // a bytes.Buffer takes all
	_ = w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte(tail))
}

// store makes the payload of stored blocks.
func store(octets []byte) (z []byte) {
	for len(octets) > 0 {
		n := min(len(octets), 65535)
		z = append(z, 0)
		z = binary.LittleEndian.AppendUint16(z, uint16(n))
		z = binary.LittleEndian.AppendUint16(z, ^uint16(n))
		z = append(z, octets[:n]...)
		octets = octets[n:]
	}
	return append(z, 0)
}

// text is what histories are made of: 64 KiB in which no four octets repeat soon.
var text = func() []byte {
	var t []byte
	for i := uint32(1); len(t) < 1<<16; i++ {
		t = binary.BigEndian.AppendUint32(t, i*2654435761)
	}
	return t
}()

func clip(b []byte) []byte { return b[:min(len(b), 80)] }

func seedInflate() [][]byte {
	var seeds [][]byte
	// The examples of RFC 7692 §7.2.3, and wrong ones.
	for i, payload := range []string{
		"", "\x00", "\xf2\x48\xcd\xc9\xc9\x07\x00", "\xf2\x00\x11\x00\x00", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
		"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "\xf3\x48\xcd\xc9\xc9\x07\x00", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
		"\xf3\x48\xcd\xc9\xc9\x07\x00\x02", "\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff", "\xf2\x48\xcd\xc9", "\x07",
		"\x00\x01\x00\xff\xff\x00", "\x00\x04\x00\xfb\xff", "\x00\x09\x00\xf6\xff", "\x02\x81\x00", "\x4a\x84\xf1\x01\x00", "\x01\x00\x00\xff\xff\x00", "\x01",
	} {
		for _, shape := range []byte{0x07, 0x0f, 0xc8} {
			seeds = append(seeds, append([]byte{shape, byte(40 * i), 200, byte(i), 0, 0}, payload...))
		}
	}
	// Each level of compress/flate, whole and with a bit turned.
	words := bytes.Repeat([]byte("the window of the message; {\"price\": 10.50, \"size\": 100} "), 3)
	for i, n := range []int{0, 1, 20, 90, len(words)} {
		for level := range 11 {
			for _, bit := range []int{0, 1, 5, 20, 60 + 7*level} {
				head := []byte{byte(level+1)<<4 | byte(i*3)&7 | byte(level)&1<<3, byte(30 * i), byte(level * 20), byte(i + 5*level), byte(bit), byte(bit >> 8)}
				seeds = append(seeds, append(head, words[:n]...))
			}
		}
	}
	// Cut short: in a block with codes of its own the tail may be symbols.
	for _, level := range []int{-2, 1} {
		z := pack(bytes.Repeat(append(words, "\x00\x01\x02\x80\x90"...), 3), level)
		for cut := 1; cut < len(z); cut += 1 + cut/24 {
			seeds = append(seeds, append([]byte{0xf7, 0, 0, byte(cut), 0, 0}, z[:cut]...))
		}
	}
	// Words of each length up to 15 bits: symbols as often as the numbers of Fibonacci.
	var deep []byte
	for symbol, often, before := byte(0), 1, 0; len(deep) < 3500; symbol, often, before = symbol+7, often+before, often {
		deep = append(deep, bytes.Repeat([]byte{symbol}, often)...)
	}
	for _, step := range []int{1, 997} { // in order, and mixed
		mixed := make([]byte, len(deep))
		for i := range deep {
			mixed[i] = deep[i*step%len(deep)]
		}
		z := pack(mixed, flate.HuffmanOnly)
		seeds = append(seeds, append([]byte{0xf7, 0, 0, 3, 0, 0}, z[:min(len(z), 4096)]...))
	}
	// Blocks that say nothing.
	for _, n := range []int{12, 13, 14, 200} {
		seeds = append(seeds, append(append([]byte{0xf7, 0, 0, 9, 0, 0}, bytes.Repeat([]byte("\x00\x00\x00\xff\xff"), n)...), 0))
	}
	seeds = append(seeds, append(append([]byte{0xf7, 0, 0, 9, 0, 0}, bytes.Repeat([]byte("\x00\x00\x00\xff\xff"), 20)...), 7))
	// Codes of one word that tell code lengths (RFC 1951 §3.2.7), behind a block with codes of its own.
	for _, level := range []int{-2, 9} {
		seeds = append(seeds, append([]byte{0xf7, 0, 0, 9, 0, 0}, string(pack(words, level))+tail+"\x04\x00\x80\x00\x00\x00"...))
	}
	// Each window, at its edge and past it, into the history and within a message.
	for bits := 8; bits <= 15; bits++ {
		window := 1 << bits
		for _, distance := range []int{window - 1, window, window + 1} {
			if distance > 1<<15 {
				continue
			}
			root := 1
			for root*root < window+1 {
				root++
			}
			root = min(root, 255)
			seeds = append(seeds, append([]byte{byte(bits-8) | 8 | 0xf0, 0, byte(root), 1, 0, 0}, far(distance)...))
			if window <= 2048 {
				before := store(text[:window+1])
				seeds = append(seeds, append(append([]byte{byte(bits-8) | 0xf0, 0, 0, 7, 0, 0}, before[:len(before)-1]...), far(distance)...))
			}
		}
	}
	return seeds
}

// far makes a payload of a fixed block (RFC 1951 §3.2.6) with one match, of 3 octets.
func far(distance int) []byte {
	var v uint64
	n := 0
	put := func(bits uint64, count int) {
		v |= bits << n
		n += count
	}
	put(2, 3)         // a fixed block
	put(0b1000000, 7) // length code 257, its first bit lowest
	code, extra, base := 0, 0, 1
	for ; base+1<<extra <= distance; code++ {
		base += 1 << extra
		if code >= 3 && code%2 == 1 {
			extra++
		}
	}
	for bit := 4; bit >= 0; bit-- {
		put(uint64(code>>bit&1), 1)
	}
	put(uint64(distance-base), extra)
	put(0, 7+3) // the end of the block, and the header of an empty stored one
	return binary.LittleEndian.AppendUint64(nil, v)[:(n+7)/8]
}
