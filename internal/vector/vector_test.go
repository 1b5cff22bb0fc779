package vector

import "testing"

func TestLoad(t *testing.T) {
	vs, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(len(vs))
}
