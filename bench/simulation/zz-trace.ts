import { scenario } from './scenario.ts'
import { Simulation } from './simulation.ts'
const [n, arrivals, extra] = process.argv.slice(2)
const w = scenario({ viewers: +n!, arrivals: arrivals as never, ...(extra ? JSON.parse(extra) : {}) })
const s = new Simulation(w)
const last = new Map<unknown, number>()
let next = 0, lastO = 0
while (s.step()) {
  for (const [i, v] of s.viewers.entries()) {
    if ((last.get(v) ?? 0) < v.stalls) { last.set(v, v.stalls); if (+n! <= 20) console.log(s.now.toFixed(2), 'stall', i, 'down', v.visit.down*8/1e6, 'up', v.visit.up*8/1e6, 'played', v.played.toFixed(2), 'wires', v.peers.length, 'spans', JSON.stringify(v.spans.map(x=>[x.first,x.last,x.readyAt-x.startedAt])), v.settings.lookAheadSeconds) }
  }
  if (s.now >= next) { next += s.now < 20 ? 1 : s.now<100?10:50
    const b = s.viewers.map(v=>v.bufferedSeconds).sort((a,b)=>a-b)
    console.log(s.now.toFixed(1), 'origin +', ((s.originBytes-lastO)/s.layout.pieceLength).toFixed(1),'pieces; buffered', b[0]?.toFixed(1), b[b.length>>1]?.toFixed(1), b.at(-1)?.toFixed(1), 'wires', (s.viewers.reduce((a,v)=>a+v.peers.length,0)/s.viewers.length).toFixed(1), 'stalls', s.viewers.reduce((a,v)=>a+v.stalls,0), 'busy', (s.viewers.reduce((a,v)=>a+v.served,0)/s.viewers.length).toFixed(1)); lastO = s.originBytes }
}
