package websocket

import (
	"testing"

	"github.com/wsproof/wsproof/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
