package main

import "testing"

func TestOlder(t *testing.T) {
	for _, c := range []struct {
		version, than string
		want          bool
	}{
		{"v1.7.9", "v1.8.0", true},
		{"v1.8.0", "v1.8.0", false},
		{"v1.10.0", "v1.8.0", false},
		{"v1.8.9", "v1.10.0", true},
		{"v0.62.0", "v1.1.0", true},
		{"v2.0.0", "v1.8.0", false},
		{"v1.1.0-rc.6", "v1.1.0", false},
		{"latest", "v1.8.0", false},
	} {
		if got := older(c.version, c.than); got != c.want {
			t.Errorf("%s is before %s: %v", c.version, c.than, got)
		}
	}
}
