-- Echo server on websockets, a green thread a connection. Usage: echo PORT
module Main (main) where

import Control.Monad (forever)
import qualified Network.WebSockets as WS
import System.Environment (getArgs)

main :: IO ()
main = do
  [port] <- getArgs
  -- Frames and messages have no limit by default, and UTF-8 that is wrong is mended.
  let connections = WS.defaultConnectionOptions { WS.connectionStrictUnicode = True }
      options = WS.defaultServerOptions { WS.serverPort = read port, WS.serverConnectionOptions = connections }
  WS.runServerWithOptions options $ \pending -> do
    connection <- WS.acceptRequest pending
    forever $ WS.receiveDataMessage connection >>= WS.sendDataMessage connection
