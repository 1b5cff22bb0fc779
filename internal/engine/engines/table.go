package engines

import (
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/coder"
	"github.com/wsproof/wsproof/internal/engine/core"
	"github.com/wsproof/wsproof/internal/engine/gobwas"
	"github.com/wsproof/wsproof/internal/engine/gorilla"
	"github.com/wsproof/wsproof/internal/engine/gws"
	"github.com/wsproof/wsproof/internal/engine/nbio"
	"github.com/wsproof/wsproof/internal/engine/xnet"
)

// table has the core first, and then a row a library. The file holds
// nothing else, because fuzz/rediscover builds with another one in its place,
// which has the transcripts of one library alone, in an old version.
var table = []engine.Engine{
	core.Engine,
	gorilla.Engine,
	gobwas.Engine,
	coder.Engine,
	gws.Engine,
	nbio.Engine,
	xnet.Engine,
}
