// What the tests share. By environment:
//   URL       the server, default ws://127.0.0.1:9001
//   USERS     virtual users, default 16
//   DURATION  of the sync and connection tests, default 5s
//   MESSAGES  that a user sends ahead in the async tests, default 100000
//   PATIENCE  how long an async test may take at most, default 10m
import ws from 'k6/ws';
import { check } from 'k6';
import { Counter } from 'k6/metrics';

const url = (__ENV.URL || 'ws://127.0.0.1:9001').replace(/\/$/, '');
const users = Number(__ENV.USERS || 16);
const duration = __ENV.DURATION || '5s';
const messages = Number(__ENV.MESSAGES || 100000);
const patience = __ENV.PATIENCE || '10m';

// answers counts right answers, wrong counts the others, lost those that never
// came, sessions the connections that were opened.
const answers = new Counter('answers');
const wrong = new Counter('wrong');
const lost = new Counter('lost');
const sessions = new Counter('sessions');

const next = (n) => (n % 2 !== 0 ? n + 1 : n + 2);

// kinds are the messages of a path and the answers they must get.
const kinds = {
  plain: {
    path: '/plain',
    event: 'message',
    send: (socket, n) => socket.send(`number: ${n}`),
    right: (data, n) => data === `number: ${n}`,
  },
  json: {
    path: '/json',
    event: 'message',
    send: (socket, n) => socket.send(`{"number": ${n}}`),
    right: (data, n) => data === `{"number":${next(n)}}`,
  },
  binary: {
    path: '/binary',
    event: 'binaryMessage',
    send: (socket, n) => {
      const view = new DataView(new ArrayBuffer(4));
      view.setInt32(0, n, true);
      socket.sendBinary(view.buffer);
    },
    right: (data, n) => data.byteLength === 4 && new DataView(data).getInt32(0, true) === next(n),
  },
};

function other(kind) {
  return kind.event === 'message' ? 'binaryMessage' : 'message';
}

// connection opens and closes at once, again and again.
export function connection() {
  let closed = 0;
  const response = ws.connect(`${url}/connection`, {}, (socket) => {
    socket.on('open', () => {
      sessions.add(1);
      socket.close(1000);
    });
    socket.on('close', (code) => { closed = code; });
    socket.on('error', () => wrong.add(1));
  });
  const good = check(response, {
    'status is 101': (r) => r && r.status === 101,
    'closed cleanly': () => closed === 1000,
  });
  if (!good) console.error(`status ${response.status}, close code ${closed}: ${response.error}`);
  (good ? answers : wrong).add(1);
}

// sync keeps one message in flight until k6 ends it.
function sync(name) {
  const kind = kinds[name];
  const response = ws.connect(url + kind.path, {}, (socket) => {
    let n = 0;
    socket.on('open', () => { // only after a 101
      sessions.add(1);
      kind.send(socket, n);
    });
    socket.on(kind.event, (data) => {
      if (!check(data, { 'the answer is right': (d) => kind.right(d, n) })) {
        wrong.add(1);
        socket.close();
        return;
      }
      answers.add(1);
      n++;
      kind.send(socket, n);
    });
    socket.on(other(kind), () => { wrong.add(1); socket.close(); });
    socket.on('error', () => wrong.add(1));
  });
  // Reached only if the connection ended before the time did.
  check(response, { 'the server stays': () => false });
}

// async sends all messages before it reads the first answer.
function async(name) {
  const kind = kinds[name];
  let received = 0;
  let right = 0;
  const response = ws.connect(url + kind.path, {}, (socket) => {
    socket.on('open', () => {
      sessions.add(1);
      for (let n = 0; n < messages; n++) kind.send(socket, n);
    });
    socket.on(kind.event, (data) => {
      if (kind.right(data, received)) right++;
      received++;
      if (received === messages) socket.close(1000);
    });
    socket.on(other(kind), () => { wrong.add(1); socket.close(); });
    socket.on('error', () => wrong.add(1));
  });
  check(response, {
    'status is 101': (r) => r && r.status === 101,
    'all answers came': () => received === messages,
    'all answers are right': () => right === received,
  });
  answers.add(right);
  wrong.add(received - right);
  lost.add(messages - received);
}

export const plainSync = () => sync('plain');
export const jsonSync = () => sync('json');
export const binarySync = () => sync('binary');
export const plainAsync = () => async('plain');
export const jsonAsync = () => async('json');
export const binaryAsync = () => async('binary');

// repeated runs exec again and again until the time is over; what has begun by
// then is completed.
export function repeated(exec) {
  return { executor: 'constant-vus', vus: users, duration, gracefulStop: '10s', exec };
}

// timed runs exec, which does not end, until the time is over: its connections
// then go away without a close.
export function timed(exec) {
  return { executor: 'constant-vus', vus: users, duration, gracefulStop: '0s', exec };
}

// once runs exec once a user.
export function once(exec) {
  return { executor: 'per-vu-iterations', vus: users, iterations: 1, maxDuration: patience, gracefulStop: '0s', exec };
}

// options makes k6 fail on a wrong, a lost, or no answer at all.
export function options(scenarios) {
  return {
    scenarios,
    noConnectionReuse: true,
    summaryTrendStats: ['avg', 'min', 'med', 'p(90)', 'p(99)', 'max'],
    thresholds: {
      checks: ['rate==1'],
      answers: ['count>0'],
      wrong: ['count==0'],
      lost: ['count==0'],
    },
  };
}
