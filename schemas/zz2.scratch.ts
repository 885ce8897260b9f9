import { AvroSchema } from './avro-type.ts';
import { checkMapping } from './mapping-plan.ts';
const fields = Array.from({length: 8000}, (_, i) => ({ name: `f${i}`, type: 'string' }));
for (const n of [1, 10, 100, 900]) {
const schema = new AvroSchema(JSON.stringify({ type:'record', name:'E', fields: [{name:'at',type:'long'},{name:'tags',type:{type:'array',items:'string'}}, ...fields], graph: { domain:'d', time:'at', nodes:[{type:'A',id:'f1'}], forEach: Array.from({length:n},(_, i)=>({in:'tags', as:`t${i}`, where:`t${i} == f1`})) } }));
const t = performance.now();
const c = checkMapping({subject:'s',version:1}, schema, new Map());
console.log(n, c.problems, performance.now()-t, 'ms', process.memoryUsage().heapUsed>>20, 'MB');
}
