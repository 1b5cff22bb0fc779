package seamtest

import "github.com/wsproof/wsproof/websocket/internal/seam"

// An EpollFile is what waits for an epoll descriptor.
type EpollFile = seam.EpollFile
