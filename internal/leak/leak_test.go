package leak

import (
	"strings"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

func TestFind(t *testing.T) {
	end := make(chan struct{})
	go leaking(end)
	if err := find(0); err == nil || !strings.Contains(err.Error(), "leak.leaking") {
		t.Errorf("with a goroutine that waits: %v", err)
	}
	close(end)
	if err := find(bound); err != nil {
		t.Errorf("when it has ended: %v", err)
	}
}

func leaking(end chan struct{}) { <-end }
