/**
 * 256 common English words, each one token in GPT-2's, cl100k's, o200k's and Llama 2's vocabularies, where a space
 * stands before it (checked with the packages gpt-tokenizer 4.0 and llama-tokenizer-js 1.2). A prompt of n of them
 * is n tokens, to which a chat template adds its own. 256, so that a word says 8 bits of a nonce.
 */
export const PROMPT_WORDS: readonly string[] = `
  able above again age all along always answer around ask back ball base beat before below
  between bird blue body both break brown but call can card carry cat center check church class
  clear cold come company cook could country cover cut data day deep detail dog double draw
  dress drop during early easy edge eight end engine even ever example fact fall far fast feel
  field file final fine first five fly food force forest four fresh from full gas get glass gone
  great ground grow hair hall happy have heat help high history hole horse hour human inside job
  jump keep kind know land late lay learn left less letter lie like list live long lost low main
  make mark matter mean member might mind miss money moon most mouth music name nature need news
  nice nine north nothing now object office old one open other over page paper party past pay
  people person picture place plan play power press price problem public push race rain range
  reach ready reason red rest ride ring river rock room rule safe sand say school sea seat see
  send series shape ship short show sign since sit skin sleep some song sound space speed square
  stand start station step stock stop story student such sure take team ten test their there
  thing third three time top touch train tree true turn type unit upon usual view wait wall warm
  water wear week west wheel where while why wife will wind woman word world write yard yellow
  yet
`
  .trim()
  .split(/\s+/);
