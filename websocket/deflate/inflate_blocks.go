package deflate

import (
	"encoding/binary"
	"math"
)

// What an inflater expects next.
type state uint8

const (
	stateBlock    state = iota // the header of a block
	stateStored                // LEN and NLEN
	stateCopy                  // octets of a stored block
	stateDynamic               // HLIT, HDIST and HCLEN
	stateCodeLens              // lengths of the code length code
	stateLens                  // lengths of the two codes
	stateSymbols               // literals, matches, the end of the block
	stateMatch                 // a match is decoded and not yet copied
	stateDone                  // nothing: the message is whole
)

// An inflater is the state of a message between two octets of its payload.
// Everything that has come is either taken or stands in hold.
type inflater struct {
	cursor
	final bool // the block is a final one (RFC 1951 §3.2.3), or the last was

	total int // octets inflated
	taken int // octets of payload

	stored               int // octets left of the block
	litlens, lens, count int // code lengths: of the first code, of both, and how many have come
	codeLens             int

	codes *tables // of this block
	own   tables
	lenOf [maxLitlens + maxDistances]uint8
	root  [1 << codeLenRoot]entry

	rootMask uint64

	stage [stageSize]byte
}

const (
	// tail is what a sender takes off the end (RFC 7692 §7.2.1).
	tail = "\x00\x00\xff\xff"
	// lookahead is how many octets of input decode wants before it begins a symbol.
	// The last ones of a payload and the tail get zeros behind them, in stage.
	lookahead = 16
	staged    = 128 // so many octets of a payload go there at most, and lookahead at least
	stageSize = staged + len(tail) + lookahead
)

func (m *inflater) begin() {
	m.cursor, m.final = cursor{}, false
	m.total, m.taken = 0, 0
}

// append inflates the next part of the payload.
func (m *inflater) append(out *output, payload []byte, fin bool, limit int) error {
	// What no compressor needs for as much: no more than 5 octets for each stored
	// block of 64 KiB, with room for others' habits.
	most := limit + min(limit/1000+64, math.MaxInt-limit)
	over := len(payload) > most-m.taken
	if over {
		payload, fin = payload[:most-m.taken], false
	}
	m.taken += len(payload)
	start := out.n
	err := m.run(out, payload, fin)
	m.total += out.n - start
	if err == nil && over {
		err = ErrPayloadTooLarge
	}
	return err
}

func (m *inflater) run(out *output, payload []byte, fin bool) error {
	if !fin {
		in := input{data: payload}
		return m.blocks(out, &in)
	}
	if len(payload) > staged {
		in := input{data: payload, more: true}
		if err := m.blocks(out, &in); err != nil {
			return err
		}
		payload = payload[in.at:]
	}
	// The rest with what the sender took off.
	n := copy(m.stage[:], payload)
	end := n + copy(m.stage[n:], tail)
	clear(m.stage[end : end+lookahead])
	in := input{data: m.stage[:end], zeros: true, last: true, payload: n}
	if err := m.blocks(out, &in); err != nil {
		return err
	}
	if m.state == stateBlock && m.nhold == 0 {
		m.state = stateDone
	}
	if m.state != stateDone {
		return ErrCut
	}
	return nil
}

// An input is a part of the payload.
type input struct {
	data    []byte
	at      int  // octets taken
	more    bool // more of the payload follows at once: leave less than lookahead octets
	zeros   bool // lookahead zeros follow in memory that are none of it
	last    bool // the tail is at its end
	payload int  // where the tail begins, if it is there
}

// need takes octets until hold has n bits, 1 to 56, and reports whether it has.
func (m *inflater) need(in *input, n uint) bool {
	for m.nhold < n {
		if in.at == len(in.data) {
			return false
		}
		m.hold |= uint64(in.data[in.at]) << m.nhold
		in.at++
		m.nhold += 8
	}
	return true
}

// take returns the next n bits, which are there.
func (m *inflater) take(n uint) int {
	v := m.hold & (1<<n - 1)
	m.hold >>= n
	m.nhold -= n
	return int(v)
}

// blocks decodes as far as the input goes. What it leaves, it needs more for.
func (m *inflater) blocks(out *output, in *input) error {
	for {
		switch m.state {
		case stateBlock:
			if m.final && in.last && in.payload-in.at+int(m.nhold/8) == 0 {
				// The payload ends with a final block and without the octet that RFC 7692
				// §7.2.3.4 has behind it. There are senders that do so.
				m.state = stateDone
				return nil
			}
			if !m.need(in, 3) {
				return nil
			}
			m.final = m.take(1) == 1
			switch m.take(2) {
			case blockStored:
				m.take(m.nhold & 7)
				m.state = stateStored
			case blockFixed:
				m.codes = fixedTables()
				m.state = stateSymbols
			case blockDynamic:
				m.state = stateDynamic
			default:
				return ErrBlockType
			}

		case stateStored:
			if !m.need(in, 32) {
				return nil
			}
			m.stored = m.take(16)
			if m.stored != m.take(16)^0xffff {
				return ErrStoredLength
			}
			m.state = stateCopy

		case stateCopy:
			if ok, err := m.copyStored(out, in); !ok {
				return err
			}
			m.endBlock()

		case stateDynamic, stateCodeLens, stateLens:
			if ok, err := m.header(in); !ok {
				return err
			}

		case stateSymbols:
			hint := 4 * (len(in.data) - in.at)
			m.symbols(out, in)
			if m.state != stateSymbols {
				continue
			}
			if in.more && len(in.data)-in.at < lookahead && len(out.buf)-out.n >= 8 {
				return nil
			}
			if ok, err := m.symbol(out, in, hint); !ok {
				return err
			}

		case stateMatch:
			if err := out.copy(m.match, 4*(len(in.data)-in.at)); err != nil {
				return err
			}
			m.state = stateSymbols

		default:
			return nil
		}
	}
}

// endBlock goes on behind a block. Behind a final one the next begins with the next
// octet (RFC 7692 §7.2.3.4).
func (m *inflater) endBlock() {
	m.state = stateBlock
	if m.final {
		m.take(m.nhold & 7)
	}
}

// copyStored copies a stored block (RFC 1951 §3.2.4), and reports whether it is
// through.
func (m *inflater) copyStored(out *output, in *input) (bool, error) {
	for m.stored > 0 {
		if m.nhold == 0 && in.at == len(in.data) {
			return false, nil
		}
		if out.n == out.end {
			return false, ErrMessageTooLarge
		}
		if len(out.buf) == out.n {
			out.grow(min(m.stored, out.end-out.n))
		}
		if m.nhold > 0 {
			out.buf[out.n] = byte(m.take(8))
			out.n++
			m.stored--
			continue
		}
		n := copy(out.room()[out.n:], in.data[in.at:min(len(in.data), in.at+min(m.stored, out.end-out.n))])
		out.n += n
		in.at += n
		m.stored -= n
	}
	return true, nil
}

// header reads what stands before the symbols of a dynamic block (RFC 1951
// §3.2.7). It reports whether it may go on.
func (m *inflater) header(in *input) (bool, error) {
	if m.state == stateDynamic {
		if !m.need(in, 14) {
			return false, nil
		}
		m.litlens = m.take(5) + firstLength
		m.lens = m.litlens + m.take(5) + 1
		m.codeLens = m.take(4) + 4
		if m.litlens > maxLitlens || m.lens-m.litlens > maxDistances {
			return false, ErrCodeCount
		}
		clear(m.lenOf[:maxCodeLens])
		m.count = 0
		m.state = stateCodeLens
	}
	if m.state == stateCodeLens {
		for ; m.count < m.codeLens; m.count++ {
			if !m.need(in, 3) {
				return false, nil
			}
			m.lenOf[codeLenOrder[m.count]] = uint8(m.take(3))
		}
		// Other than of distance codes, a code of one word has no use.
		used := 0
		for _, n := range m.lenOf[:maxCodeLens] {
			used += int(n+7) >> 3
		}
		var ok bool
		if m.rootMask, ok = buildTable(m.root[:], m.lenOf[:maxCodeLens], codeLenEntries[:], codeLenRoot); !ok || used < 2 {
			return false, ErrCodeLengths
		}
		m.count = 0
		m.state = stateLens
	}
	for m.count < m.lens {
		if m.nhold < codeLenRoot+7 {
			m.fill(in)
		}
		e := m.root[m.hold&m.rootMask]
		n := uint(e & 15)
		if n > m.nhold {
			return false, nil
		}
		what := e >> 16
		if what < 16 {
			m.take(n)
			m.lenOf[m.count] = uint8(what)
			m.count++
			continue
		}
		repeat, extra, length := 3, uint(2), uint8(0)
		switch what {
		case 16:
			if m.count == 0 {
				return false, ErrRepeat
			}
			length = m.lenOf[m.count-1]
		case 17:
			extra = 3
		case 18:
			repeat, extra = 11, 7
		}
		if m.count+repeat > m.lens {
			return false, ErrRepeat
		}
		if n+extra > m.nhold {
			return false, nil
		}
		m.take(n)
		repeat += m.take(extra)
		if m.count+repeat > m.lens {
			return false, ErrRepeat
		}
		run := m.lenOf[m.count : m.count+repeat]
		m.count += repeat
		if length == 0 {
			clear(run)
			continue
		}
		for i := range run {
			run[i] = length
		}
	}
	if m.lenOf[endOfBlock] == 0 {
		return false, ErrNoEndOfBlock
	}
	if !m.own.build(m.lenOf[:m.litlens], m.lenOf[m.litlens:m.lens]) {
		return false, ErrCodeLengths
	}
	m.codes = &m.own
	m.state = stateSymbols
	return true, nil
}

// fill takes as many octets as hold has room for.
func (m *inflater) fill(in *input) {
	if len(in.data)-in.at >= 8 && m.nhold < 56 {
		m.hold |= binary.LittleEndian.Uint64(in.data[in.at:]) << m.nhold
		n := (63 - m.nhold) / 8
		in.at += int(n)
		m.nhold += n * 8
		m.hold &= 1<<m.nhold - 1
		return
	}
	for m.nhold <= 56 && in.at < len(in.data) {
		m.hold |= uint64(in.data[in.at]) << m.nhold
		in.at++
		m.nhold += 8
	}
}
