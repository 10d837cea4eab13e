/** Sound with one channel at 24 kHz, as OpenAI's speech has. */
const SAMPLES_PER_SECOND = 24_000;
const SAMPLE_BYTES = 2;
const TONE_HZ = 220;
const LOUDNESS = 8_000;

export type SoundFormat = 'mp3' | 'wav' | 'pcm';

export const SOUND_TYPES: Readonly<Record<SoundFormat, string>> = {
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
};

/** A tone of a number of seconds; silence in MP3. */
export const soundOf = (format: SoundFormat, seconds: number): Buffer => {
  if (format === 'mp3') return silentMp3(seconds);
  const samples = samplesOf(seconds);
  return format === 'pcm' ? samples : Buffer.concat([wavHeader(samples.length), samples]);
};

const samplesOf = (seconds: number): Buffer => {
  const count = Math.ceil(seconds * SAMPLES_PER_SECOND);
  const samples = Buffer.alloc(count * SAMPLE_BYTES);
  for (let at = 0; at < count; at += 1) {
    const phase = (2 * Math.PI * TONE_HZ * at) / SAMPLES_PER_SECOND;
    samples.writeInt16LE(Math.round(LOUDNESS * Math.sin(phase)), at * SAMPLE_BYTES);
  }
  return samples;
};

/** The header of RIFF WAVE for samples of 16 bits. */
const wavHeader = (data_bytes: number): Buffer => {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + data_bytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  header.writeUInt32LE(SAMPLES_PER_SECOND * SAMPLE_BYTES, 28);
  header.writeUInt16LE(SAMPLE_BYTES, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(data_bytes, 40);
  return header;
};

// MPEG-2 layer III at 64 kbit/s: 576 samples in 192 bytes. All zeros after the header are silence.
const MP3_HEADER = Buffer.of(0xff, 0xf3, 0x84, 0xc0);
const MP3_FRAME_BYTES = 192;
const MP3_FRAME_SAMPLES = 576;

const silentMp3 = (seconds: number): Buffer => {
  const frames = Math.ceil((seconds * SAMPLES_PER_SECOND) / MP3_FRAME_SAMPLES);
  const sound = Buffer.alloc(frames * MP3_FRAME_BYTES);
  for (let at = 0; at < frames; at += 1) MP3_HEADER.copy(sound, at * MP3_FRAME_BYTES);
  return sound;
};
