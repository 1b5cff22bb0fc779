package model_test

import (
	"reflect"
	"testing"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
)

// TestVectors reads each vector and wants exactly what it says.
func TestVectors(t *testing.T) {
	vectors, err := vector.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			got := model.Read(v.Role, v.Limits, v.Input)
			if !equal(got, v.Want) {
				t.Errorf("%s: %s (RFC 6455 §%s)\n% x\ngot  %v\nwant %v", v.Where(), v.About, v.RFC, v.Input[:min(len(v.Input), 64)], got, v.Want)
			}
			if err := model.Check(v.Want, asSeen(got)); err != nil {
				t.Errorf("%s: Check of the model's own outcome: %v", v.Where(), err)
			}
		})
	}
}

// equal compares two outcomes; nil and empty are the same.
func equal(a, b model.Outcome) bool {
	norm := func(o model.Outcome) model.Outcome {
		o.Messages = append([]model.Message{}, o.Messages...)
		for i := range o.Messages {
			o.Messages[i].Payload = append([]byte{}, o.Messages[i].Payload...)
		}
		o.Pongs = append([][]byte{}, o.Pongs...)
		for i := range o.Pongs {
			o.Pongs[i] = append([]byte{}, o.Pongs[i]...)
		}
		return o
	}
	return reflect.DeepEqual(norm(a), norm(b))
}

// asSeen turns what is expected into what a faithful adapter would have seen:
// one Close with the first of the codes.
func asSeen(o model.Outcome) model.Outcome {
	if o.End == model.Open {
		o.Rule, o.Codes = "", nil
	}
	if len(o.Codes) > 0 {
		o.Codes = o.Codes[:1]
	}
	return o
}
