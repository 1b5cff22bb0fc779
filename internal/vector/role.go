package vector

import (
	"fmt"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// forRoles returns the vector once a role. One for both roles is written as a
// server sends it, unmasked, and masked here for the server's side.
func forRoles(v Vector, roles []model.Role, mask, truncated bool) ([]Vector, error) {
	var out []Vector
	for _, role := range roles {
		one := v
		one.Role = role
		one.ID += "/" + role.String()
		if mask && role == model.Server {
			var err error
			if one.Input, one.Want.Offset, err = masked(v.Input, v.Want.Offset); err != nil {
				return nil, fmt.Errorf("%s: %w", v.Where(), err)
			}
		}
		if !truncated {
			out = append(out, one)
			continue
		}
		start := lastFrame(one.Input)
		if start == len(one.Input) || one.Want.End != model.Open || one.Want.Offset != start {
			return nil, fmt.Errorf("%s: a vector that is truncated in its last frame must expect: open, with the offset of that frame, %d", v.Where(), start)
		}
		for n := start + 1; n < len(one.Input); n++ {
			cut := one
			cut.truncated = true
			cut.ID = fmt.Sprintf("%s/%d-bytes", one.ID, n)
			cut.Input = one.Input[:n:n]
			out = append(out, cut)
		}
	}
	return out, nil
}

// masked masks every frame of the transcript, be the last one whole or not, and
// moves the offset along. Each frame has a key of its own.
func masked(input []byte, offset int) (out []byte, moved int, err error) {
	moved = offset
	for at, i := 0, 0; at < len(input); i++ {
		rest := input[at:]
		key := [4]byte{0x37, 0xFA, 0x21 + byte(i), 0x3D} // that of RFC 6455 §5.7, the third byte counting
		header, payload := extent(rest)
		size := min(header+payload, len(rest))
		frame := append([]byte(nil), rest[:min(header, size)]...)
		if len(frame) > 1 {
			if frame[1]&0x80 != 0 {
				return nil, 0, fmt.Errorf("a vector for both roles is written unmasked, but the frame at byte %d is masked", at)
			}
			frame[1] |= 0x80
		}
		if len(frame) == header {
			n := len(frame) + len(key)
			frame = append(frame, key[:]...)
			frame = append(frame, rest[header:size]...)
			wire.Mask(frame[n:], key)
			if offset >= at+header {
				moved += len(key)
			}
		}
		out = append(out, frame...)
		at += size
	}
	return out, moved, nil
}

// lastFrame returns where the last frame of the transcript begins.
func lastFrame(input []byte) int {
	at := 0
	for {
		header, payload := extent(input[at:])
		n := header + payload
		if n >= len(input)-at {
			return at
		}
		at += n
	}
}

// extent returns how many bytes the header of the frame at the beginning of b
// has, and its payload; more than there are if b ends first.
func extent(b []byte) (header, payload int) {
	f, n, err := wire.Split(b)
	if err == nil {
		return n - len(f.Payload), len(f.Payload)
	}
	header = 2
	if len(b) >= 2 {
		switch b[1] & 0x7F {
		case 126:
			header += 2
		case 127:
			header += 8
		}
		if b[1]&0x80 != 0 {
			header += 4
		}
	}
	return header, len(b) // past the end, however long it claims to be
}
