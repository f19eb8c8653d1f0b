//! tmp
use pgtandem::{event::*, ops::*, wire::conninfo::*};
struct R;
impl Reporter for R { fn event(&mut self, e:&Event){ eprintln!("{e:?}"); } }
#[tokio::main]
async fn main(){
  let a:Vec<String>=std::env::args().collect();
  let env=|k:&str| std::env::var(k).ok();
  let verify = match a.get(3).map(|s|s.as_str()) {Some("none")=>Verified::None,Some("counts")=>Verified::Counts,_=>Verified::Digests};
  let u=Upgrade{from:ConnInfo::resolve(pgtandem::wire::session::Side::Old,Some(&a[1]),&env).unwrap(),to:ConnInfo::resolve(pgtandem::wire::session::Side::New,Some(&a[2]),&env).unwrap(),jobs:None,verify,writers:upgrade::Writers::Refuse};
  match u.run(&mut R, Default::default()).await { Ok(o)=>println!("{:?}",Outcome{indexes:vec![],..o}), Err(e)=>{println!("ERR {e}\nHINT {:?}",e.hint()); std::process::exit(1)} }
}
