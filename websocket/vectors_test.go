package websocket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/websocket"
	"github.com/wsproof/wsproof/websocket/deflate"
)

func loadVectors(t *testing.T) []vector.Vector {
	t.Helper()
	vectors, err := vector.Load()
	if err != nil {
		t.Fatal(err)
	}
	return vectors
}

// loadCompressed returns the vectors of connections with permessage-deflate.
func loadCompressed(t *testing.T) []vector.Vector {
	t.Helper()
	vectors, err := vector.LoadCompressed()
	if err != nil {
		t.Fatal(err)
	}
	return vectors
}

// errorOf is the core's error for a rule of the model.
func errorOf(rule model.Rule) error {
	switch rule {
	case model.CompressedControl, model.CompressedContinuation:
		return websocket.ErrRSVBitsUnsupported
	case model.CompressedTooLarge, model.InflatedTooLarge:
		return websocket.ErrMessageTooLarge
	case model.BlockInvalid, model.WindowExceeded, model.DistanceTooFar, model.MessageCut:
		return deflate.ErrCorrupt
	}
	return ruleErrors[rule]
}

func modeOf(role model.Role) websocket.Mode {
	if role == model.Client {
		return websocket.ClientMode
	}
	return websocket.ServerMode
}

// ruleErrors are the errors of the core for the rules of the model.
var ruleErrors = map[model.Rule]*websocket.Error{
	model.ClientFrameUnmasked:    websocket.ErrClientFrameUnmasked,
	model.ServerFrameMasked:      websocket.ErrServerFrameMasked,
	model.RSVBitsUnsupported:     websocket.ErrRSVBitsUnsupported,
	model.OpcodeUnknown:          websocket.ErrOpcodeUnknown,
	model.ControlFrameTooLarge:   websocket.ErrControlFrameTooLarge,
	model.ControlFrameFragmented: websocket.ErrControlFrameFragmented,
	model.LengthNotMinimal:       websocket.ErrLengthNotMinimal,
	model.LengthTopBit:           websocket.ErrFrameTooLarge,
	model.FrameTooLarge:          websocket.ErrFrameTooLarge,
	model.ContinuationUnexpected: websocket.ErrContinuationUnexpected,
	model.ContinuationExpected:   websocket.ErrContinuationExpected,
	model.MessageTooLarge:        websocket.ErrMessageTooLarge,
	model.ClosePayloadInvalid:    websocket.ErrClosePayloadInvalid,
	model.CloseStatusInvalid:     websocket.ErrCloseStatusInvalid,
	model.CloseStatusReserved:    websocket.ErrCloseStatusReserved,
	model.CloseReasonNotUTF8:     websocket.ErrInvalidFramePayload,
	model.TextNotUTF8:            websocket.ErrInvalidFramePayload,
}

// TestVectorsDecode reads the frames of every vector one by one, with ReadFrame
// and with a FrameReader, whole and a byte at a time, and holds each against the
// model's decoder. Where a frame is whole it must marshal to the bytes it came from.
func TestVectorsDecode(t *testing.T) {
	for _, v := range loadVectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			mode, limit := modeOf(v.Role), v.Limits.Frame
			slow := websocket.NewFrameReader(iotest.OneByteReader(bytes.NewReader(v.Input)), mode, limit)
			quick := websocket.NewFrameReader(bytes.NewReader(v.Input), mode, limit)
			for at := 0; ; {
				rest := v.Input[at:]
				want := model.Decode(v.Role, limit, rest)
				src := bytes.NewReader(rest)
				frame, err := websocket.ReadFrame(src, mode, limit)
				if err := checkDecoded(want, frame, err); err != nil {
					t.Fatalf("%s: ReadFrame at byte %d: %v", v.Where(), at, err)
				}
				if taken := len(rest) - src.Len(); want.Size > 0 && taken != want.Size {
					t.Fatalf("%s: ReadFrame at byte %d took %d bytes, the frame has %d", v.Where(), at, taken, want.Size)
				}
				frame, err = websocket.ReadFrame(iotest.OneByteReader(bytes.NewReader(rest)), mode, limit)
				if err := checkDecoded(want, frame, err); err != nil {
					t.Fatalf("%s: ReadFrame a byte at a time at byte %d: %v", v.Where(), at, err)
				}
				thrifty := &thriftyReader{src: bytes.NewReader(rest)}
				frame, err = websocket.ReadFrame(thrifty, mode, limit)
				if err := checkDecoded(want, frame, err); err != nil || thrifty.lavish > 0 {
					t.Fatalf("%s: ReadFrame at byte %d: %v; has set aside %d bytes for %d that came", v.Where(), at, err, thrifty.lavish, len(rest))
				}
				next, err := quick.Next()
				if err := checkDecoded(want, next, err); err != nil {
					t.Fatalf("%s: Next at byte %d: %v", v.Where(), at, err)
				}
				next, err = slow.Next()
				if err := checkDecoded(want, next, err); err != nil {
					t.Fatalf("%s: Next a byte at a time at byte %d: %v", v.Where(), at, err)
				}
				if want.Size == 0 {
					for _, r := range []*websocket.FrameReader{quick, slow} {
						_, first := r.Next()
						if err := checkDecoded(want, nil, first); err != nil {
							t.Fatalf("%s: Next after its error: %v", v.Where(), err)
						}
					}
					return
				}
				key := websocket.MaskingKey(want.Frame.Key)
				if want.Frame.Masked == (key != websocket.Unmasked) {
					if got := websocket.MarshalFrame(frame, key); !bytes.Equal(got, rest[:want.Size]) {
						t.Fatalf("%s: the frame at byte %d marshals to % x, was % x", v.Where(), at, head(got), head(rest[:want.Size]))
					}
				}
				at += want.Size
			}
		})
	}
}

func checkDecoded(want model.Decoded, frame *websocket.Frame, err error) error {
	if want.Rule != "" && errors.Is(err, ruleErrors[want.Rule]) {
		return nil
	}
	if want.Missing != "" {
		cause := io.EOF
		if want.Some {
			cause = io.ErrUnexpectedEOF
		}
		text := "error reading " + want.Missing + ": " + cause.Error()
		if err == nil || err.Error() != text || !errors.Is(err, cause) {
			return fmt.Errorf("got error %v, want %s", err, text)
		}
		var e *websocket.Error
		if !errors.As(err, &e) || e.Code() != websocket.StatusAbnormalClose {
			return fmt.Errorf("got error %v without the code 1006", err)
		}
		return nil
	}
	if want.Rule != "" {
		return fmt.Errorf("got error %v, want %v", err, ruleErrors[want.Rule])
	}
	if err != nil {
		return fmt.Errorf("got error %v, want a frame", err)
	}
	w := want.Frame
	if frame.Fin() != w.Fin || byte(frame.Opcode()) != w.Opcode || frame.RSV1() != (w.RSV&4 != 0) || frame.RSV2() != (w.RSV&2 != 0) || frame.RSV3() != (w.RSV&1 != 0) {
		return fmt.Errorf("got %v, want FIN %v, RSV %03b, opcode %#x", frame, w.Fin, w.RSV, w.Opcode)
	}
	if !bytes.Equal(frame.Payload, w.Payload) || len(w.Payload) == 0 && frame.Payload != nil {
		return fmt.Errorf("got payload % x, want % x", head(frame.Payload), head(w.Payload))
	}
	return nil
}

// A thriftyReader notes whether more than 256 KiB were set aside for bytes that
// have not come.
type thriftyReader struct {
	src    *bytes.Reader
	lavish int
}

func (r *thriftyReader) Read(p []byte) (int, error) {
	came := int(r.src.Size()) - r.src.Len()
	if cap(p) > max(256<<10, 2*came) {
		r.lavish = cap(p)
	}
	return r.src.Read(p)
}

func head(b []byte) []byte { return b[:min(len(b), 32)] }

// TestVectorsCoverTheErrors wants every error of a rule to be reached by a vector.
func TestVectorsCoverTheErrors(t *testing.T) {
	reached := map[*websocket.Error]bool{}
	for _, v := range loadVectors(t) {
		if v.Want.End == model.Failed {
			reached[ruleErrors[v.Want.Rule]] = true
		}
	}
	for rule, err := range ruleErrors {
		if !reached[err] {
			t.Errorf("no vector reaches %v", err)
		}
		info, _ := rule.Info()
		if got := uint16(err.Code()); got != info.Codes[0] {
			t.Errorf("%v has the code %d, want %d as the model", err, got, info.Codes[0])
		}
		if strings.Contains(err.Error(), fmt.Sprint(uint16(err.Code()))) {
			t.Errorf("the text of %q holds its code", err)
		}
	}
}
