package websocket

import (
	"reflect"
	"testing"
	"time"
)

// Times without a default stay as they are: below zero they do what zero does
// (FuzzOptions).
func TestOptionsDefaults(t *testing.T) {
	for _, o := range []Options{{}, {
		CloseTimeout: -1,
		MaxFrameSize: -1, MaxMessageSize: -1, MaxPending: -1, LingerBytes: -1,
	}} {
		got := o.shared().Options
		want := Options{MaxFrameSize: 16 << 10, MaxMessageSize: 256 << 10, MaxPending: 4 << 20, LingerBytes: 1 << 20, CloseTimeout: 5 * time.Second, ParkAfter: 160 * time.Millisecond}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v with defaults: %+v, want %+v", o, got, want)
		}
	}
}

// TestOptionsAreOwn sets each field in turn: no connection that has one may share
// the default options.
func TestOptionsAreOwn(t *testing.T) {
	var set func(v reflect.Value, path string, o *Options)
	set = func(v reflect.Value, path string, o *Options) {
		for i := range v.NumField() {
			field, name := v.Field(i), path+v.Type().Field(i).Name
			if field.Kind() == reflect.Struct {
				set(field, name+".", o)
				continue
			}
			switch field.Kind() {
			case reflect.Func:
				field.Set(reflect.MakeFunc(field.Type(), nil))
			case reflect.Slice:
				field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			case reflect.Bool:
				field.SetBool(true)
			case reflect.Pointer:
				field.Set(reflect.New(field.Type().Elem()))
			default:
				field.SetInt(1)
			}
			if o.shared() == defaultSettings {
				t.Errorf("options with %s set share the default ones", name)
			}
			field.SetZero()
		}
	}
	var o Options
	set(reflect.ValueOf(&o).Elem(), "", &o)
	if o.shared() != defaultSettings {
		t.Error("the zero options have memory of their own")
	}
}
