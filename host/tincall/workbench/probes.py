"""The programs by which a board shows who it is, takes an identity and a network, and verifies itself once.

They are text for `SerialBoard.run`, as those in `on_board`, and use the firmware that is installed: its store, its radio, its
TLS, its attestor. Each prints one line of JSON last; the firmware may have said something before it. A key or a password comes
as `data`, stays in a function's names, and is in no answer and no traceback.
"""

# what a board holds; `trouble` is why nothing can be said, the identity's `ca` is a SHA-256, and no key is told
STANDING = """
def _standing():
 d={'trouble':'','identity':None,'why':'','known':[],'trial':'','radio':False,'online':False,'resetting':False,'word':False}
 try:
  import board
  from callcore.errors import StoreError
  from handset import identity,places,wlan
  from handset.store import Store
 except Exception as e:
  d['trouble']='no_firmware'
  d['why']=str(e)
  return d
 d['resetting']=places.has_file(board.FLASH+'/reset.bin')
 try:
  s=Store(places.open_places(board))
  try:
   w=identity.load(s)
   d['identity']={'sn':w.sn,'model_id':w.model_id,'kv':w.kv,'next_kv':w.next[0] if w.next else 0,'host':w.host,'port':w.port,
    'name':w.name,'ca':hexlify(sha256(w.anchor).digest()).decode()}
  except StoreError as e:
   d['why']=e.reason
   if e.reason in ('storage','record_newer'):raise
  b=wlan.read(s)
  d['known']=[o[0] for o in b['known']]
  d['trial']=b['trial'][0] if 'trial' in b else ''
  d['word']='word' in b
 except StoreError as e:
  d['trouble']=e.reason
  d['why']=e.detail
 if wlan.network:
  d['radio']=True
  try:
   d['online']=wlan.network.WLAN(wlan.network.STA_IF).isconnected()
  except (OSError,RuntimeError):
   pass
 return d
print(json.dumps(_standing()))
"""

# writes the identity in `data`, or changes those fields of the one that is there if it has no key; then reads it anew. A new
# key begins anew where no copy of what the board counts can be read, as `tincall enrol` has it
WRITE_IDENTITY = """
def _write(body):
 import board
 from callcore.errors import StoreError
 from handset import identity,marks,places
 from handset.store import Store
 f=json.loads(body)
 try:
  s=Store(places.open_places(board))
  if 'key' in f:
   try:
    marks.Marks(s)
   except StoreError as e:
    if e.reason!='record_damaged':raise
    s.forget(marks.MARKS)
  else:
   g=identity.read(s)
   g.update(f)
   f=g
  both=identity.save(s,f)
  same=identity.read(Store(places.open_places(board)))==f
 except StoreError as e:
  return {'ok':False,'why':e.detail}
 return {'ok':same,'both':both,'why':'' if both else s.fault.detail}
print(json.dumps(_write(data)))
del data
"""

# stores the network in `data` to be tried, unless it is known as it is
WRITE_NETWORK = """
def _write(body):
 import board
 from callcore.errors import StoreError
 from handset import places,wlan
 from handset.store import Store
 ssid,key=json.loads(body)
 try:
  s=Store(places.open_places(board))
  if [ssid,key] in wlan.read(s)['known']:return {'ok':True,'changed':False}
  wlan.store_trial(s,ssid,key)
 except ValueError as e:
  return {'ok':False,'why':str(e)}
 except StoreError as e:
  return {'ok':False,'why':e.detail}
 return {'ok':True,'changed':True}
print(json.dumps(_write(data)))
del data
"""

# gives the password of the board's setup page, which is drawn if it has none
WORD = """
def _word():
 import board
 from handset import places,setup_page
 from handset.store import Store
 return setup_page.word(Store(places.open_places(board)))
print(json.dumps(_word()))
"""

# the networks that the board hears: name, signal in dBm, whether it wants a password
SCAN = """
def _scan():
 import network
 r=network.WLAN(network.STA_IF)
 r.active(False)
 r.active(True)
 n=[]
 for s in r.scan():
  try:
   n.append([s[0].decode(),s[3],s[4]!=0])
  except UnicodeError:
   pass
 return n
print(json.dumps(_scan()))
"""

# joins a network, connects, and proves the board to the relay and the relay to the board, as handset/app.py does at each start;
# `step` is how far it came, `reason` and `detail` why no further
VERIFY = """
def _verify():
 from handset import heap
 heap.often()
 import asyncio,board,machine
 from callcore import VERSION
 from callcore.compat import ticks_diff
 from callcore.errors import CallError
 from handset import attestor,clock,identity,places,tls,wlan
 from handset.marks import Marks
 from handset.store import Store
 d={'ok':False,'step':'identity','reason':'','detail':'','sn':'','where':'','ssid':'','kv':0,'wifi_ms':0,'verify_ms':0,'date':'','floor':0}
 async def go():
  s=Store(places.open_places(board))
  who=identity.load(s)
  d['sn']=who.sn
  d['where']='%s:%d'%(who.host,who.port)
  m=Marks(s)
  d['step']='wifi'
  w=wlan.Wlan(s)
  t=clock.now_ms()
  await w.up(lambda:None)
  d['wifi_ms']=ticks_diff(clock.now_ms(),t)
  if w.joined:d['ssid']=w.joined[0]
  d['floor']=max(who.time_s,m.floor_s)
  clock.raise_to(d['floor'])
  d['step']='clock'
  if who.sntp and not clock.known_s():
   from handset import sntp
   clock.hint(await sntp.ask(who.sntp))
  d['date']=clock.date_text()
  t=clock.now_ms()
  v=attestor
  if who.cert:
   from handset import certified as v
  g=None
  while g is None:
   p=v.show(who) if who.cert else ()
   d['step']='connect'
   stream=await tls.connect(who.host,who.port,who.name,who.anchor,10000,p)
   d['step']='verify'
   try:
    g=await v.verify(stream,s,who,m,machine.unique_id(),VERSION)
   finally:
    stream.close()
  d['verify_ms']=ticks_diff(clock.now_ms(),t)
  d['kv']=who.kv
  d['step']='done'
  clock.correct(g['now'])
  m.raise_floor(g['now'])
  w.proved()
 try:
  asyncio.run(go())
  d['ok']=True
 except CallError as e:
  d['reason']=getattr(e,'reason','')
  d['detail']=e.detail
 return d
print(json.dumps(_verify()))
"""
