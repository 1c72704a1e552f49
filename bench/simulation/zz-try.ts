import { scenario } from '/work/main/bench/simulation/scenario.ts'
import { Simulation } from '/work/main/bench/simulation/simulation.ts'
import { outcomeOf } from '/work/main/bench/simulation/outcome.ts'
const [n, arrivals, extra] = process.argv.slice(2)
const t=Date.now()
const w = scenario({ viewers: +n, arrivals, ...(extra ? JSON.parse(extra) : {}) })
const s = new Simulation(w).run()
const o = outcomeOf(s)
console.log(JSON.stringify(o,(k,v)=>typeof v==='number'?+v.toFixed(4):v), ((Date.now()-t)/1000).toFixed(1)+'s', 'sim', s.now)
const rec = s.viewers.reduce((a,v)=>a+v.received.peers,0), sent=s.viewers.reduce((a,v)=>a+v.sent,0)
if(rec!==sent) console.log('conservation', rec, sent)
