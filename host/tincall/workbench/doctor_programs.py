"""The programs by which a board tells how it is, and by which it plays and listens for a second.

They are text for `SerialBoard.run`, as those in `on_board`: sent when they are needed, they cost the board's flash nothing.
Each prints one line of JSON last; the firmware may have said something before it. Nothing is changed, but that a record of
which a copy was damaged is mended, as at each start; no key and no password is in an answer.
"""

# the interpreter's heap, and the blocks of the chip's own, from which TLS, WiFi and the drivers take theirs: [total, free,
# largest free, least that was free]
MEMORY = """
def _memory():
 import gc
 gc.collect()
 d={'free':gc.mem_free(),'used':gc.mem_alloc(),'chip':[]}
 try:
  import esp32
  d['chip']=[list(r) for r in esp32.idf_heap_info(esp32.HEAP_DATA)]
 except (ImportError,AttributeError):
  pass
 return d
print(json.dumps(_memory()))
"""

# which set of files the firmware on the board says it is
MARKER = """
def _marker():
 try:
  with open('/lib/tincall.json') as f:return json.load(f)
 except (OSError,ValueError):
  return {}
print(json.dumps(_marker()))
"""

# of each record: its name, `ok`, `healed`, or why it cannot be read, and what the store says of it
RECORDS = """
def _records():
 import board
 from callcore.errors import StoreError
 from handset import identity,marks,places,wlan
 from handset.store import Store
 s=Store(places.open_places(board))
 d=[]
 for f in (identity.IDENTITY,marks.MARKS,wlan.NETWORKS):
  s.fault=None
  try:
   s.load(f)
   d.append([f[0],'healed' if s.fault else 'ok',s.fault.detail if s.fault else ''])
  except StoreError as e:
   d.append([f[0],e.reason,e.detail])
 return d
print(json.dumps(_records()))
"""

# the signal of the network that is joined, in dBm, or null
SIGNAL = """
def _signal():
 from handset import wlan
 try:
  return wlan.network.WLAN(wlan.network.STA_IF).status('rssi')
 except (AttributeError,OSError,TypeError,ValueError):
  return None
print(json.dumps(_signal()))
"""

# plays 1 kHz, listens, or both, for some ms, through the firmware's own streams. A period of the tone is 16 samples, and a
# buffer that is lost has 256: so the sums over the places in a period, `fold`, are those of an unbroken sound, and hold all
# that there is of 1 kHz. `n` samples were judged, the first `skip` ms were not; `clipped` are at the end of the range
SOUND = """
def _sound(play,listen,ms,skip):
 import board,time,gc
 from handset import audio,heap
 heap.often()
 T=(0,3135,5793,7568,8191,7568,5793,3135,0,-3135,-5793,-7568,-8191,-7568,-5793,-3135)
 d={'rate':board.RATE_HZ,'written':0,'n':0,'zeros':0,'clipped':0,'sum':0,'energy':0,'low':0,'high':0,'fold':[0]*16,'why':''}
 tone=bytearray(512)
 for i in range(256):
  v=T[i%%16]
  tone[2*i]=v&255
  tone[2*i+1]=v>>8&255
 heard=bytearray(512)
 fold=d['fold']
 spk=mic=None
 gc.collect()
 try:
  if listen:mic=audio.open_microphone(board)
  if play:spk=audio.open_speaker(board)
  at=0
  t=time.ticks_ms()
  while 1:
   gone=time.ticks_diff(time.ticks_ms(),t)
   if gone>=ms:break
   n=0
   if spk:
    w=1
    while w:
     w=spk.write(tone,at,512-at)
     d['written']+=w
     at=(at+w)%%512
     n+=w
   if mic:
    r=mic.readinto(heard)
    n+=r
    if r and gone>=skip:
     s=e=z=c=0
     k=d['n']
     for i in range(0,r,2):
      v=heard[i]|heard[i+1]<<8
      v-=(v&32768)<<1
      s+=v
      e+=v*v
      if not v:z+=1
      elif v>32700 or v<-32700:c+=1
      if v<d['low']:d['low']=v
      elif v>d['high']:d['high']=v
      fold[k&15]+=v
      k+=1
     d['n']=k
     d['sum']+=s
     d['energy']+=e
     d['zeros']+=z
     d['clipped']+=c
   if not n:time.sleep_ms(2)
 except OSError as e:
  d['why']=str(e)
 finally:
  audio.close(spk)
  audio.close(mic)
 return d
print(json.dumps(_sound(%r,%r,%d,%d)))
"""

# how the board's streams go, as its board.py has it
STREAMS = """
import board as _b
print(json.dumps({'duplex':_b.DUPLEX,'echo':_b.ECHO,'pins':[_b.MIC_SCK,_b.MIC_WS,_b.MIC_SD,_b.SPK_SCK,_b.SPK_WS,_b.SPK_SD]}))
"""
